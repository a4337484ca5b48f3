// flowstitch-tap: what a tap publishes, as lines of text, as bytes, or as a capture file.
#include <CLI/CLI.hpp>
#include <cinttypes>
#include <cstdio>
#include <map>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "base/ip_address.h"
#include "base/process/command_line.h"
#include "base/process/option_flags.h"
#include "base/process/program.h"
#include "base/process/sandbox.h"
#include "proto/packet_batch.pb.h"
#include "proto/stream_batch.pb.h"
#include "tools/pcapng_out.h"
#include "transport/link/stream_event.h"
#include "transport/link_files.h"
#include "transport/link_security.h"
#include "transport/socket.h"
#include "transport/tap.h"

namespace flowstitch {
namespace {

struct TapOptions {
  std::string endpoint;
  std::vector<std::string> topics;
  std::string write;  // path of a capture file; "-": standard output
  bool bytes = false;
  uint64_t count = 0;
  SecurityOptions security;
};

IpAddress ToAddress(const std::string& bytes) {
  const auto* data = reinterpret_cast<const uint8_t*>(bytes.data());
  if (bytes.size() == 4) return IpAddress::FromIpv4(data);
  return bytes.size() == 16 ? IpAddress::FromIpv6(data) : IpAddress();
}

class TapReader {
 public:
  explicit TapReader(const TapOptions& options) : options_(options) {}

  absl::Status Open() {
    if (options_.write.empty()) return absl::OkStatus();
    return capture_.Open(options_.write);
  }

  // A message that cannot be read is counted.
  absl::Status Take(const std::string& topic, ByteView message) {
    ++messages_;
    const std::string_view text = AsText(message);
    if (topic.rfind(kPacketTopic, 0) == 0) {
      wire::PacketBatch batch;
      if (batch.ParseFromArray(text.data(), static_cast<int>(text.size()))) return Packets(batch);
    } else if (topic.rfind(kStreamTopic, 0) == 0) {
      wire::StreamBatch batch;
      if (batch.ParseFromArray(text.data(), static_cast<int>(text.size()))) {
        return Streams(topic, batch);
      }
    }
    ++unreadable_;
    return absl::OkStatus();
  }

  uint64_t messages() const { return messages_; }
  // What a tap lost on its way to here.
  std::string Missed() const {
    std::string text;
    if (missed_frames_ > 0) absl::StrAppend(&text, missed_frames_, " frames ");
    if (missed_batches_ > 0) absl::StrAppend(&text, missed_batches_, " batches of streams ");
    if (unreadable_ > 0) absl::StrAppend(&text, unreadable_, " messages that cannot be read ");
    return text;
  }

 private:
  absl::Status Packets(const wire::PacketBatch& batch) {
    const int n = batch.capture_time_ns_size();
    if (batch.captured_length_size() != n || batch.wire_length_size() != n) {
      ++unreadable_;
      return absl::OkStatus();
    }
    auto& next = next_frame_[{batch.source(), batch.source_epoch()}];
    if (next != 0 && batch.first_frame() > next) missed_frames_ += batch.first_frame() - next;
    next = batch.first_frame() + static_cast<uint64_t>(n);
    size_t at = 0;
    for (int i = 0; i < n; ++i) {
      const size_t length = batch.captured_length(i);
      if (at + length > batch.frames().size()) {
        ++unreadable_;
        return absl::OkStatus();
      }
      const ByteView frame = AsBytes(batch.frames()).subspan(at, length);
      at += length;
      if (!options_.write.empty()) {
        const absl::Status status =
            capture_.Write(batch.source(), batch.link_type(), batch.capture_time_ns(i),
                           batch.wire_length(i), frame);
        if (!status.ok()) return status;
      } else {
        std::printf("%s %" PRId64 " %u of %u bytes, link type %u\n", batch.source().c_str(),
                    batch.capture_time_ns(i), batch.captured_length(i), batch.wire_length(i),
                    batch.link_type());
      }
    }
    return options_.write.empty() ? Flushed() : capture_.Flush();
  }

  absl::Status Streams(const std::string& topic, const wire::StreamBatch& batch) {
    auto& next = next_batch_[{topic, batch.reassembler_epoch()}];
    if (next != 0 && batch.topic_sequence() > next)
      missed_batches_ += batch.topic_sequence() - next;
    next = batch.topic_sequence() + 1;
    size_t at = 0;
    for (const wire::StreamEvent& event : batch.events()) {
      const size_t length = PayloadBytes(event);
      if (at + length > batch.payload().size()) {
        ++unreadable_;
        break;
      }
      const std::string_view bytes = std::string_view(batch.payload()).substr(at, length);
      at += length;
      Print(event, bytes);
    }
    return Flushed();
  }

  void Print(const wire::StreamEvent& event, std::string_view bytes) {
    if (event.has_frame() && !options_.write.empty()) {
      const wire::FrameSeen& frame = event.frame();
      write_status_.Update(capture_.Write("frames", frame.link_type(), frame.time_ns(),
                                          frame.wire_length(), AsBytes(bytes)));
      write_status_.Update(capture_.Flush());
      return;
    }
    if (options_.bytes) {
      if (event.has_bytes()) std::fwrite(bytes.data(), 1, bytes.size(), stdout);
      return;
    }
    if (!options_.write.empty()) return;
    if (event.has_opened()) {
      const wire::FlowOpened& o = event.opened();
      const std::string client = FormatIpAddress(ToAddress(o.client_address()));
      const std::string server = FormatIpAddress(ToAddress(o.server_address()));
      std::printf("%" PRIu64 " opened %s:%u > %s:%u\n", o.flow(), client.c_str(), o.client_port(),
                  server.c_str(), o.server_port());
    } else if (event.has_bytes()) {
      const wire::StreamBytes& b = event.bytes();
      std::printf("%" PRIu64 " %c %" PRIu64 " %u bytes\n", b.flow(), Arrow(b.direction()),
                  b.offset(), b.length());
    } else if (event.has_gap()) {
      const wire::StreamGap& g = event.gap();
      std::printf("%" PRIu64 " %c %" PRIu64 " %" PRIu64 " bytes missing\n", g.flow(),
                  Arrow(g.direction()), g.offset(), g.length());
    } else if (event.has_closed()) {
      std::printf("%" PRIu64 " closed %s\n", event.closed().flow(),
                  wire::CloseReason_Name(event.closed().reason()).c_str());
    }
  }

  static char Arrow(wire::Direction direction) {
    return direction == wire::CLIENT_TO_SERVER ? '>' : '<';
  }

  // A reader of ours that went away ends us without a word.
  absl::Status Flushed() {
    if (!write_status_.ok()) return write_status_;
    if (std::fflush(stdout) != 0) return absl::UnavailableError("cannot write to standard output");
    return absl::OkStatus();
  }

  const TapOptions& options_;
  PcapngOut capture_;
  absl::Status write_status_;
  // What must come next of each source, and of each topic, by epoch.
  std::map<std::pair<std::string, uint64_t>, uint64_t> next_frame_;
  std::map<std::pair<std::string, uint64_t>, uint64_t> next_batch_;
  uint64_t messages_ = 0;
  uint64_t missed_frames_ = 0;
  uint64_t missed_batches_ = 0;
  uint64_t unreadable_ = 0;
};

absl::Status RunTap(const TapOptions& options) {
  zmq::context_t context;
  const auto security = LinkSecurity::Open(options.security);
  if (!security.ok()) return security.status();
  TapReader reader(options);
  absl::Status status = reader.Open();
  if (!status.ok()) return status;
  // What is written is open: foreign bytes are read without the right to more.
  Confine({LinkFiles(options.security, {}), /*writes_files=*/false});
  if (status = (*security)->Start(context); !status.ok()) return status;
  const auto endpoints = ParseEndpoints(options.endpoint, /*binds_by_default=*/false);
  if (!endpoints.ok()) return endpoints.status();
  // Whoever publishes is a capture or a reassembler: its key says which.
  const bool packets = !options.topics.empty() && options.topics[0].rfind("packets", 0) == 0;
  auto socket = Socket::Open(context, zmq::socket_type::sub, *endpoints, **security,
                             packets ? kCaptureRole : kReassemblerRole);
  if (!socket.ok()) return socket.status();
  (*security)->Forget();
  if (options.topics.empty()) socket->Subscribe("");
  for (const std::string& topic : options.topics) socket->Subscribe(topic);
  while (status.ok() && StopRequests() == 0) {
    WaitForInput({&*socket}, -1, 100);
    while (status.ok()) {
      const auto parts = socket->ReceiveParts();
      if (!parts) break;
      status = reader.Take(
          parts->first, {static_cast<const uint8_t*>(parts->second.data()), parts->second.size()});
      if (options.count > 0 && reader.messages() >= options.count) return status;
    }
  }
  if (const std::string missed = reader.Missed(); !missed.empty()) {
    std::fprintf(stderr, "flowstitch-tap: missed: %s\n", missed.c_str());
  }
  return status;
}

}  // namespace
}  // namespace flowstitch

int main(int argc, char** argv) {
  using namespace flowstitch;
  CLI::App app(
      "Listens to a tap. Of packets and frames it can make a capture file: flowstitch-tap "
      "tcp://127.0.0.1:9473 -w - | wireshark -k -i -",
      "flowstitch-tap");
  TapOptions options;
  app.add_option("endpoint", options.endpoint, "The tap; several with commas.")
      ->required()
      ->type_name("ENDPOINT");
  app.add_option("--topic", options.topics,
                 "Only topics that begin so: packets.NAME, streams.tcp.80. and so on. Repeatable.")
      ->type_name("PREFIX")
      ->allow_extra_args(false);
  app.add_option(
         "-w,--write", options.write,
         "Write packets, and frames that a reassembler passes on (--frames), as pcapng; '-' "
         "is standard output.")
      ->type_name("FILE");
  app.add_flag("--bytes", options.bytes, "Print the streams' bytes alone.");
  app.add_option("--count", options.count, "End after so many messages; 0: go on.")
      ->type_name("N")
      ->capture_default_str();
  OptionTable security;
  AddSecurityOptions(&security, &options.security);
  AddOptions(app, security);
  if (const auto status = ParseCommandLine(app, argc, argv)) return *status;
  SetUpLog("flowstitch-tap", false);
  CatchStopSignals();
  return Report(RunTap(options));
}
