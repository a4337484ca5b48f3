#include "sinks/writers/console/console_writer.h"

#include <fcntl.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <ctime>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "base/utf8_text.h"
#include "sinks/streams/safe_file.h"
#include "sinks/writers/console/http_text.h"
#include "sinks/writers/console/tls_text.h"

namespace flowstitch {
namespace {

constexpr size_t kBytesPerLine = 32;
constexpr char kBlue[] = "\033[0;34m";
constexpr char kRed[] = "\033[0;31m";
constexpr char kNoColor[] = "\033[0m";
// Whoever holds the semaphore longer than this has died with it.
constexpr int kLockSeconds = 10;

bool IsTcp(const SinkFlow& flow) { return flow.protocol == 6; }

char Printable(uint8_t byte) { return byte >= 0x20 && byte < 0x7f ? static_cast<char>(byte) : '.'; }

// Lines stay lines; what cannot be printed becomes '.'.
void AppendShown(std::string_view bytes, bool utf8, std::string* text) {
  for (size_t at = 0; at < bytes.size();) {
    const char byte = bytes[at];
    const size_t length = utf8 ? ShownLength(bytes.substr(at)) : 0;
    if (byte == '\n' || byte == '\r') {
      *text += byte;
    } else if (length > 0) {
      text->append(bytes.substr(at, length));
    } else {
      *text += Printable(static_cast<uint8_t>(byte));
    }
    at += std::max<size_t>(length, 1);
  }
}

}  // namespace

std::string HexDump(ByteView bytes, std::optional<uint64_t> offset) {
  std::string text;
  // Of the widest line: two digits a byte, and a blank behind each pair.
  const size_t widest = std::min(bytes.size(), kBytesPerLine);
  const size_t hex_width = widest * 2 + widest / 2;
  for (size_t at = 0; at < bytes.size(); at += kBytesPerLine) {
    const ByteView line = bytes.subspan(at, std::min(kBytesPerLine, bytes.size() - at));
    if (offset) {
      absl::StrAppendFormat(&text, "%08x: ", *offset + at);
    } else {
      absl::StrAppendFormat(&text, "%04x: ", at);
    }
    std::string hex;
    std::string plain;
    for (size_t i = 0; i < line.size(); ++i) {
      absl::StrAppendFormat(&hex, "%02x", line[i]);
      if (i % 2 == 1) hex += ' ';
      plain += Printable(line[i]);
    }
    hex.resize(hex_width, ' ');
    text += hex + " " + plain + "\n";
  }
  return text;
}

size_t ShownLength(std::string_view text) {
  const size_t length = Utf8Length(text);
  if (length == 0) return 0;
  const auto byte = [text](size_t i) {
    return static_cast<uint32_t>(static_cast<uint8_t>(text[i]));
  };
  if (length == 1) return byte(0) >= 0x20 && byte(0) < 0x7f ? 1 : 0;
  uint32_t code = byte(0) & (0xffU >> (length + 1));
  for (size_t i = 1; i < length; ++i) code = code << 6 | (byte(i) & 0x3f);
  const auto within = [code](uint32_t first, uint32_t last) {
    return code >= first && code <= last;
  };
  // Controls; marks of direction and of nothing; what stands for no character, or for anybody's.
  const bool hidden = code < 0xa0 || code == 0xad || code == 0x61c || within(0x200b, 0x200f) ||
                      within(0x2028, 0x202e) || within(0x2060, 0x206f) || code == 0xfeff ||
                      within(0xfff0, 0xffff) || within(0xe000, 0xf8ff) || code >= 0xe0000;
  return hidden ? 0 : length;
}

namespace {

absl::string_view TextOf(ByteView bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

std::string PayloadField(PayloadForm form, ByteView bytes) {
  if (form == PayloadForm::kHex) {
    return absl::StrCat("\"payload_hex\": \"", absl::BytesToHexString(TextOf(bytes)), "\"");
  }
  if (form == PayloadForm::kBase64) {
    return absl::StrCat("\"payload_base64\": \"", absl::Base64Escape(TextOf(bytes)), "\"");
  }
  std::string text = "\"payload\": [";
  for (size_t i = 0; i < bytes.size(); ++i) {
    absl::StrAppend(&text, i == 0 ? "" : ",", static_cast<int>(bytes[i]));
  }
  return text + "]";
}

}  // namespace

// tcpflow's object, with what it lacks behind it.
std::string JsonPiece(const SinkFlow& flow, Direction direction, std::optional<uint64_t> offset,
                      TimeNs time_ns, PayloadForm form, ByteView bytes) {
  const Endpoint& source = flow.source_of(direction);
  const Endpoint& destination = flow.destination_of(direction);
  std::string text = absl::StrCat(
      "{\"src_host\":\"", FormatIpAddress(source.address), "\",\"src_port\":", source.port,
      ",\"dst_host\":\"", FormatIpAddress(destination.address),
      "\",\"dst_port\":", destination.port, ",", PayloadField(form, bytes), ",\"time_ns\":\"",
      time_ns, "\",\"flow\":\"", flow.number, "\",\"direction\":\"",
      direction == kClientToServer ? "client_to_server" : "server_to_client", "\"");
  if (offset) absl::StrAppend(&text, ",\"offset\":\"", *offset, "\"");
  const std::vector<uint16_t>& vlan = flow.streams[direction].vlan;
  if (!vlan.empty()) absl::StrAppend(&text, ",\"vlan\":", vlan[0]);
  return text + "}";
}

ConsoleWriter::ConsoleWriter(const ConsoleOptions& options, size_t state_slot, StreamNames* names)
    : options_(options), slot_(state_slot), names_(names), http_config_(/*with_fields=*/true) {
  if (options_.lock.empty()) return;
  const std::string name =
      options_.lock[0] == '/' ? options_.lock : absl::StrCat("/", options_.lock);
  semaphore_ = sem_open(name.c_str(), O_CREAT, 0666, 1);
  if (semaphore_ != SEM_FAILED) return;
  semaphore_ = nullptr;
  status_ = absl::UnavailableError(
      absl::StrFormat("cannot open the semaphore '%s': %s", name, std::strerror(errno)));
}

ConsoleWriter::~ConsoleWriter() {
  if (semaphore_ != nullptr) sem_close(semaphore_);
}

bool ConsoleWriter::Lock() {
  timespec until = {};
  clock_gettime(CLOCK_REALTIME, &until);
  until.tv_sec += kLockSeconds;
  while (sem_timedwait(semaphore_, &until) != 0) {
    if (errno != EINTR) return false;
  }
  return true;
}

std::string ConsoleWriter::Form(const SinkFlow& flow, const Piece& piece, ByteView bytes) const {
  if (options_.json) {
    return JsonPiece(flow, piece.direction,
                     piece.has_offset ? std::optional<uint64_t>(piece.offset) : std::nullopt,
                     piece.time_ns, options_.payload, bytes) +
           "\n";
  }
  std::string text;
  if (options_.color) text += piece.direction == kClientToServer ? kBlue : kRed;
  if (options_.header) {
    absl::StrAppend(&text, flow.streams[piece.direction].path, ": ");
  }
  if (options_.hex) {
    const bool places = options_.places && piece.has_offset;
    if (options_.header && options_.places) {
      absl::StrAppend(&text, std::string(IsoTime(piece.time_ns).view()), ", ",
                      piece.direction == kClientToServer ? "client to server" : "server to client");
      if (places) absl::StrAppend(&text, ", offset ", piece.offset);
    }
    if (options_.header) text += '\n';
    text += HexDump(bytes, places ? std::optional<uint64_t>(piece.offset) : std::nullopt);
  } else if (options_.binary) {
    text.append(AsText(bytes));
  } else {
    AppendShown(AsText(bytes), options_.utf8, &text);
  }
  if (options_.color) text += kNoColor;
  if (options_.newline) text += '\n';
  return text;
}

void ConsoleWriter::Print(SinkFlow& flow, const Piece& piece, ByteView bytes) {
  if (bytes.empty() || !status_.ok()) return;
  names_->Name(flow, piece.direction);
  const std::string text = Form(flow, piece, bytes);
  if (semaphore_ == nullptr) {
    if (std::fwrite(text.data(), 1, text.size(), options_.out) != text.size()) Fail();
    return;
  }
  const bool locked = Lock();
  if (!locked) {  // its holder has died with it; what was not taken is not given back
    sem_close(semaphore_);
    semaphore_ = nullptr;
  }
  if (std::fwrite(text.data(), 1, text.size(), options_.out) != text.size()) Fail();
  Flush();
  if (locked) sem_post(semaphore_);
}

// What is taken off a flow's bytes before they are printed: TLS, then HTTP's codings.
class ConsoleWriter::Layers : public WriterState {
 public:
  Layers(ConsoleWriter* writer, SinkFlow* flow) : writer_(writer), flow_(flow) {
    if (writer->options_.keys == nullptr) return;
    tls_.emplace(
        writer->options_.keys,
        [this](Direction direction, uint64_t offset, ByteView bytes, TimeNs time_ns,
               bool decrypted) { Give(direction, offset, bytes, time_ns, decrypted); },
        [this](Direction direction, uint64_t length, bool decrypted) {
          GiveGap(direction, length, decrypted);
        });
  }

  void Bytes(Direction direction, uint64_t offset, ByteView bytes, TimeNs time_ns) {
    if (tls_) {
      tls_->Bytes(direction, offset, bytes, time_ns);
    } else {
      Give(direction, offset, bytes, time_ns, false);
    }
  }
  void Gap(Direction direction, uint64_t length) {
    if (tls_) {
      tls_->Gap(direction, length);
    } else {
      GiveGap(direction, length, false);
    }
  }
  // Why not all of its TLS was decrypted.
  std::string Close() {
    const std::string why = tls_ ? tls_->Close() : "";
    for (const auto& http : http_) {
      if (http != nullptr) http->Close(*flow_);
    }
    return why;
  }

 private:
  void Give(Direction direction, uint64_t offset, ByteView bytes, TimeNs time_ns, bool decrypted) {
    if (HttpText* const http = HttpOf(decrypted)) {
      http->dialogue().Bytes(direction, offset, bytes, time_ns);
    } else {
      writer_->Print(*flow_, {direction, offset, !decrypted, time_ns}, bytes);
    }
  }
  void GiveGap(Direction direction, uint64_t length, bool decrypted) {
    if (HttpText* const http = HttpOf(decrypted)) http->dialogue().Gap(direction, length);
  }
  // Null: no HTTP is looked for.
  HttpText* HttpOf(bool decrypted) {
    if (!writer_->options_.http) return nullptr;
    auto& http = http_[decrypted ? 1 : 0];
    if (http == nullptr) {
      http =
          std::make_unique<HttpText>(writer_->http_config_, decrypted || flow_->from_start(),
                                     [this](Direction direction, ByteView text, TimeNs time_ns) {
                                       writer_->Print(*flow_, {direction, 0, false, time_ns}, text);
                                     });
    }
    return http.get();
  }

  ConsoleWriter* const writer_;
  SinkFlow* const flow_;
  std::optional<TlsText> tls_;
  std::unique_ptr<HttpText> http_[2];  // of the flow itself, and of what TLS hid
};

void ConsoleWriter::OnBytes(SinkFlow& flow, Direction direction, uint64_t offset, ByteView bytes,
                            TimeNs time_ns, BatchHold* /*hold*/) {
  if (options_.packet_order) return;
  if (options_.max_bytes >= 0) {
    const auto limit = static_cast<uint64_t>(options_.max_bytes);
    if (offset >= limit) return;
    bytes = bytes.first(std::min<size_t>(bytes.size(), limit - offset));
  }
  if ((!options_.http && options_.keys == nullptr) || !IsTcp(flow)) {
    Print(flow, {direction, offset, true, time_ns}, bytes);
    return;
  }
  auto& state = flow.states[slot_];
  if (state == nullptr) state = std::make_unique<Layers>(this, &flow);
  static_cast<Layers*>(state.get())->Bytes(direction, offset, bytes, time_ns);
}

void ConsoleWriter::OnGap(SinkFlow& flow, Direction direction, const GapRecord& gap) {
  if (flow.states[slot_] == nullptr) return;
  static_cast<Layers*>(flow.states[slot_].get())->Gap(direction, gap.length);
}

void ConsoleWriter::OnFrame(SinkFlow* flow, const FrameRecord& frame) {
  if (!options_.packet_order || flow == nullptr) return;
  ByteView bytes = frame.payload;
  SinkStream& stream = flow->streams[frame.direction];
  if (options_.max_bytes >= 0) {
    // As tcpflow: so much of a stream, in the order in which it comes.
    const auto limit = static_cast<uint64_t>(options_.max_bytes);
    const uint64_t left = limit - std::min(limit, stream.printed);
    bytes = bytes.first(std::min<size_t>(bytes.size(), left));
  }
  stream.printed += bytes.size();
  Print(*flow, {frame.direction, 0, false, frame.time_ns}, bytes);
}

void ConsoleWriter::OnClosed(SinkFlow& flow) {
  if (flow.states[slot_] == nullptr) return;
  const std::string undecrypted = static_cast<Layers*>(flow.states[slot_].get())->Close();
  if (undecrypted.empty() || !options_.on_undecrypted) return;
  names_->Name(flow, kClientToServer);
  options_.on_undecrypted(flow.streams[kClientToServer].name, undecrypted);
}

void ConsoleWriter::Fail() {
  if (status_.ok()) status_ = FileError("write to", "standard output");
}

}  // namespace flowstitch
