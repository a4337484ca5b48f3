#include "capture/capture_stage.h"

#include <spdlog/spdlog.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <memory>
#include <optional>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "base/process/program.h"
#include "base/process/service.h"
#include "base/utf8_text.h"
#include "capture/files/capture_file.h"
#include "capture/frame_filter.h"
#include "capture/progress.h"
#include "capture/shard_set.h"
#include "transport/link/ledger_codec.h"
#include "transport/steady_clock.h"
#include "transport/tap.h"

namespace flowstitch {
namespace {

constexpr int kWaitMs = 10;
constexpr char kMetricsPart[] = "capture";
// The reassembler hears of this source's figures so often.
constexpr int64_t kFiguresNs = 1 * kNsPerSecond;
// After a stop request, a reassembler that cannot be reached is waited for so long.
constexpr int64_t kGiveUpNs = 5 * kNsPerSecond;
// After a stop request, what the kernel still holds is taken for so long.
constexpr int64_t kTakeRestNs = kNsPerSecond / 2;

class CaptureStage {
 public:
  CaptureStage(const CaptureOptions& options, ProcessServices& services,
               const std::atomic<int>& stop, CaptureInputs inputs)
      : options_(options),
        security_(*services.security),
        blocks_(services.shares_memory),
        metrics_(services.metrics.get()),
        inputs_(std::move(inputs)),
        live_(!options.live.interface.empty()),
        stop_(stop),
        epoch_(RandomEpoch()),
        filter_(live_ ? "" : options.filter),  // of an interface, the kernel filters
        progress_(options.progress && isatty(STDERR_FILENO)) {}

  absl::Status Open(zmq::context_t& context);
  absl::Status Run();

 private:
  absl::Status OpenInterface();
  absl::Status ReadFiles();
  absl::Status ReadFile(size_t index, const std::string& path);
  absl::Status ReadInterface();
  absl::Status TakeRest(const std::function<void(const Frame&)>& take);
  void TakeTlsSecrets(CaptureFile* file);
  void TakeFromFile(const Frame& frame);
  void TakeLive(const Frame& frame);
  absl::Status OpenSpools();
  void DrainSpools(int64_t now_ns);
  void Service();
  void WaitWhileFull(ShardOutput& shard);
  wire::SourceLedger Figures();
  void AwaitSpools();
  void PublishMetrics(int64_t now_ns);
  absl::Status Finish(const absl::Status& result);
  bool Stopped() const { return stop_.load(std::memory_order_relaxed) > 0 || !link_error_.ok(); }

  const CaptureOptions& options_;
  const LinkSecurity& security_;
  const MemoryBlocks blocks_;     // that files are read into
  MetricsServer* const metrics_;  // may be null
  CaptureInputs inputs_;
  const bool live_;
  const std::atomic<int>& stop_;
  std::string unread_from_;  // the file that a signal came in; empty: all are read
  const uint64_t epoch_;
  FrameFilter filter_;
  Progress progress_;
  ShardSet shards_;
  std::optional<Tap> tap_;
  std::string topic_;
  std::unique_ptr<LiveSource> interface_;
  SourceLedger ledger_;
  absl::Status link_error_;
  absl::Status tap_status_;
  absl::Status spool_status_;  // of the disk
  int64_t figures_told_ns_ = 0;
  uint64_t file_bytes_before_ = 0;
  uint64_t total_bytes_ = 0;
  const CaptureFile* file_ = nullptr;
};

absl::Status CaptureStage::Open(zmq::context_t& context) {
  ShardOutput::OnBatch on_batch;
  if (!options_.tap.empty()) {
    on_batch = [this](const WireMessage& batch) {
      if (tap_) tap_->Publish(topic_, batch);
    };
  }
  const absl::Status opened =
      shards_.Open(context, options_.reassembler, security_,
                   LinkIdentity{wire::CAPTURE, options_.name, epoch_, live_, blocks_.memory()},
                   options_.buffer_bytes, on_batch);
  if (!opened.ok()) return opened;
  if (!options_.tap.empty()) {
    auto tap = Tap::Open(context, options_.tap, security_);
    // The link is there already, and with it somebody who waits for an end.
    tap_status_ = tap.status();
    if (tap.ok()) tap_ = *std::move(tap);
    topic_ = absl::StrCat(std::string(kPacketTopic), options_.name);
  }
  return absl::OkStatus();
}

absl::Status CaptureStage::OpenSpools() {
  if (!live_ || options_.spool.empty()) return absl::OkStatus();
  uint64_t found = 0;
  const SpoolOptions spools = {.directory = options_.spool,
                               .name = options_.name,
                               .size_bytes = options_.spool_bytes,
                               .durable = options_.durable};
  const absl::Status status = shards_.OpenSpools(spools, &found);
  if (found > 0) {
    spdlog::info("{} frames of an earlier process wait in '{}'", found, options_.spool);
    ledger_.frames_read += found;
    ledger_.frames_spooled += found;
  }
  return status;
}

absl::Status CaptureStage::OpenInterface() {
  auto source = inputs_.Interface(options_);
  if (!source.ok()) return source.status();
  interface_ = *std::move(source);
  spdlog::info("listening on {}", options_.live.interface);
  TellReady();
  return absl::OkStatus();
}

// Whatever fails here, the reassembler hears of the end.
absl::Status CaptureStage::Run() {
  absl::Status result = tap_status_;
  if (result.ok()) result = OpenSpools();
  if (result.ok()) result = live_ ? OpenInterface() : ReadFiles();
  if (live_ && result.ok()) result = ReadInterface();
  return Finish(result);
}

absl::Status CaptureStage::ReadFiles() {
  absl::Status result;
  const std::vector<std::string> files = options_.AllFiles();
  total_bytes_ = SizeOfFiles(files);
  for (size_t i = 0; i < files.size(); ++i) {
    if (stop_ > 0 && unread_from_.empty()) unread_from_ = files[i];
    if (Stopped()) break;
    const absl::Status status = ReadFile(i, files[i]);
    if (status.ok()) continue;
    // The other files are read all the same; every error is said, the first one is the result.
    if (result.ok()) {
      result = status;
    } else {
      spdlog::error("{}", std::string(status.message()));
    }
  }
  if (const std::string hint = filter_.Hint(); result.ok() && !hint.empty()) {
    spdlog::warn("{}", hint);
  }
  if (!result.ok() || unread_from_.empty() || !link_error_.ok()) return result;
  return absl::CancelledError(
      absl::StrFormat("%s came before '%s' was read to its end: what was read before is written",
                      StopSignalName(), unread_from_));
}

absl::Status CaptureStage::ReadFile(size_t index, const std::string& path) {
  auto source = inputs_.File(index, path);
  if (!source.ok()) return source.status();
  auto input = InputBuffer::FromSource(*std::move(source), blocks_);
  input->set_on_idle([this, &path] {
    shards_.FlushDue(SteadyNowNs());
    Service();
    if (Stopped()) unread_from_ = path;
    return !Stopped();
  });
  auto opened = CaptureFile::FromInput(path, std::move(input));
  if (!opened.ok()) return Stopped() ? absl::OkStatus() : opened.status();
  CaptureFile& file = **opened;
  file_ = &file;
  Frame frame;
  const bool keeps_blocks = shards_.keeps_blocks();
  std::shared_ptr<const uint8_t[]> block;
  while (file.Next(&frame)) {
    if (Stopped()) {
      unread_from_ = path;
      break;
    }
    if (!file.tls_secrets().empty()) TakeTlsSecrets(&file);
    if (!filter_.Matches(frame)) {
      if (!filter_.status().ok()) break;
      continue;
    }
    frame.time_ns = AddNs(frame.time_ns, options_.time_offset_ns);
    frame.opens_no_flow = index >= options_.files.size();
    if (keeps_blocks && file.KeepBlock() != block) {
      block = file.KeepBlock();
      shards_.set_block(block);
    }
    TakeFromFile(frame);
  }
  shards_.set_block(nullptr);
  TakeTlsSecrets(&file);
  file_bytes_before_ += file.file_offset();
  file_ = nullptr;
  if (!filter_.status().ok()) return filter_.status();
  return Stopped() ? absl::OkStatus() : file.status();
}

void CaptureStage::TakeTlsSecrets(CaptureFile* file) {
  shards_.AddTlsSecrets(file->tls_secrets());
  file->tls_secrets().Clear();
}

void CaptureStage::TakeFromFile(const Frame& frame) {
  ++ledger_.frames_read;
  ledger_.bytes_read += frame.bytes.size();
  ShardOutput& shard = shards_.Of(frame);
  if (shard.MustFlushBefore(frame)) {
    shard.Flush();
    Service();
    WaitWhileFull(shard);
  }
  // A pipe's batch may have to go out before it is full; a file's clock is not looked at.
  shard.Send(frame, total_bytes_ == 0 ? SteadyNowNs() : 0);
  ++ledger_.frames_sent;
}

absl::Status CaptureStage::ReadInterface() {
  const std::function<void(const Frame&)> take = [this](Frame frame) {
    frame.time_ns = AddNs(frame.time_ns, options_.time_offset_ns);
    TakeLive(frame);
  };
  while (!Stopped()) {
    const auto n = interface_->Read(1024, take);
    if (!n.ok()) return n.status();
    const int64_t now_ns = SteadyNowNs();
    DrainSpools(now_ns);
    shards_.FlushDue(now_ns);
    Service();
    progress_.Update(now_ns, ledger_.bytes_read, 0, ledger_.frames_read, shards_.peer_flows());
    if (*n == 0) WaitForInput(shards_.sockets(), interface_->fd(), kWaitMs);
  }
  return TakeRest(take);
}

// After a stop request, what the kernel had captured by then: it hands over a part that is not full
// only after a while. A busy interface never runs dry, so time bounds it too.
absl::Status CaptureStage::TakeRest(const std::function<void(const Frame&)>& take) {
  const int64_t until_ns = SteadyNowNs() + kTakeRestNs;
  const int timeout_ms = options_.live.buffer_timeout_ms;
  int quiet_ms = 0;
  while (quiet_ms < 3 * timeout_ms && stop_ < 2 && SteadyNowNs() < until_ns) {
    const auto n = interface_->Read(1024, take);
    if (!n.ok()) return n.status();
    Service();
    if (*n > 0) continue;
    WaitForInput({}, interface_->fd(), timeout_ms);
    quiet_ms += timeout_ms;
  }
  return absl::OkStatus();
}

void CaptureStage::TakeLive(const Frame& frame) {
  ++ledger_.frames_read;
  ledger_.bytes_read += frame.bytes.size();
  switch (shards_.Of(frame).TakeLive(frame, SteadyNowNs())) {
    case ShardOutput::Went::kSent:
      ++ledger_.frames_sent;
      break;
    case ShardOutput::Went::kSpooled:
      ++ledger_.frames_spooled;
      break;
    case ShardOutput::Went::kDropped:
      ++ledger_.buffer_dropped;
      break;
  }
}

void CaptureStage::DrainSpools(int64_t now_ns) {
  ledger_.frames_sent += shards_.DrainSpools(now_ns);
  if (!spool_status_.ok()) return;
  spool_status_ = shards_.spool_status();
  if (!spool_status_.ok()) spdlog::error("{}", std::string(spool_status_.message()));
}

void CaptureStage::Service() {
  const int64_t now_ns = SteadyNowNs();
  TellAlive(now_ns);
  if (now_ns - figures_told_ns_ >= kFiguresNs) {
    figures_told_ns_ = now_ns;
    shards_.SetLedger(Figures());
  }
  const absl::Status status = shards_.Service(now_ns);
  if (link_error_.ok()) link_error_ = status;
  if (tap_) tap_->Service(now_ns);
  if (metrics_ != nullptr && metrics_->due(kMetricsPart, now_ns)) PublishMetrics(now_ns);
  if (file_ != nullptr) {
    progress_.Update(now_ns, file_bytes_before_ + file_->file_offset(), total_bytes_,
                     ledger_.frames_read, shards_.peer_flows());
  }
}

void CaptureStage::WaitWhileFull(ShardOutput& shard) {
  if (!shard.full()) return;
  shards_.FlushAndTellWatermark();
  while (shard.full() && !Stopped()) {
    WaitForInput(shards_.sockets(), -1, kWaitMs);
    Service();
  }
}

// Before the end, what waits on the disk goes too. Without a reassembler it stays there, for the
// next process of this name.
void CaptureStage::AwaitSpools() {
  int64_t alone_since_ns = SteadyNowNs();
  while (shards_.waits_on_disk() && link_error_.ok() && stop_ < 2) {
    const int64_t now_ns = SteadyNowNs();
    DrainSpools(now_ns);
    Service();
    if (shards_.reached()) alone_since_ns = now_ns;
    if (now_ns - alone_since_ns > kGiveUpNs) break;
    if (shards_.waits_on_disk()) WaitForInput(shards_.sockets(), -1, kWaitMs);
  }
}

// The ledger so far, with what the kernel dropped.
wire::SourceLedger CaptureStage::Figures() {
  SourceLedger ledger = ledger_;
  if (interface_ != nullptr) {
    const LiveDrops drops = interface_->drops();
    ledger.kernel_dropped = drops.kernel;
    ledger.interface_dropped = drops.interface;
    ledger.frames_read += drops.kernel + drops.interface;
  }
  ledger.spool_left += shards_.spool_left();
  wire::SourceLedger out;
  ToWire(ledger, &out);
  out.set_name(options_.name);
  out.set_epoch(epoch_);
  return out;
}

void CaptureStage::PublishMetrics(int64_t now_ns) {
  MetricsText text;
  text.Add(FromWire(Figures()), options_.name);
  shards_.AddMetrics(options_.name, now_ns, &text);
  if (tap_) tap_->AddMetrics({{"source", options_.name}}, &text);
  metrics_->Publish(kMetricsPart, text.Text(), now_ns);
}

absl::Status CaptureStage::Finish(const absl::Status& result) {
  AwaitSpools();
  const wire::SourceLedger figures = Figures();
  ledger_ = FromWire(figures);
  interface_ = nullptr;
  wire::End end;
  end.set_error(ToUtf8({result.message().data(), result.message().size()}));
  *end.mutable_source() = figures;
  NameInputs(options_, end.mutable_source());
  shards_.AppendEnd(end);
  int64_t alone_since_ns = SteadyNowNs();
  while (link_error_.ok()) {
    Service();
    if (shards_.drained()) return result.ok() ? spool_status_ : result;
    const int64_t now_ns = SteadyNowNs();
    if (shards_.reached() || stop_ == 0) alone_since_ns = now_ns;
    if (stop_ > 1 || now_ns - alone_since_ns > kGiveUpNs) {
      return absl::UnavailableError(absl::StrFormat(
          "no reassembler at '%s' took all that was captured", options_.reassembler));
    }
    WaitForInput(shards_.sockets(), -1, kWaitMs);
  }
  return link_error_;
}

}  // namespace

absl::Status RunCaptureStage(const CaptureOptions& options, ProcessServices& services,
                             const std::atomic<int>& stop, CaptureInputs inputs) {
  CaptureStage stage(options, services, stop, std::move(inputs));
  if (const absl::Status status = stage.Open(services.context); !status.ok()) return status;
  services.NoteOpened();
  return stage.Run();
}

}  // namespace flowstitch
