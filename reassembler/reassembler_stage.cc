#include "reassembler/reassembler_stage.h"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <ctime>
#include <memory>
#include <optional>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "base/service.h"
#include "base/utf8_text.h"
#include "reassembler/reassembler.h"
#include "reassembler/source_books.h"
#include "reassembler/source_merger.h"
#include "reassembler/stream_batcher.h"
#include "reassembler/tap_topics.h"
#include "transport/ledger_codec.h"
#include "transport/link_metrics.h"
#include "transport/router_receiver.h"
#include "transport/router_sender.h"
#include "transport/tap.h"

namespace flowstitch {
namespace {

constexpr int kWaitMs = 5;
constexpr char kMetricsPart[] = "reassembler";
// Of what a source says went wrong.
constexpr size_t kMaxErrorBytes = 4096;
// How far a live source's clock may be ahead of this machine's.
constexpr int64_t kClockAheadNs = 2 * kNsPerSecond;
// Frames taken before the sockets are looked at again.
constexpr int kFramesPerTurn = 2048;
// After a stop request, sinks that cannot be reached are waited for so long.
constexpr int64_t kGiveUpNs = 5 * kNsPerSecond;

// Names that are not known were refused before.
ReassemblyOptions Simulated(const ReassemblerOptions& options) {
  ReassemblyOptions core = WithinMemory(options);
  ApplySimulation(options.simulate, &core).IgnoreError();
  core.shard = options.shard;
  return core;
}

void AddConnections(MetricsText* text, const std::string& shard, const char* endpoint,
                    Socket& socket) {
  if (socket.connections() == nullptr) return;
  const MetricsText::Labels labels = {{"shard", shard}, {"endpoint", endpoint}};
  text->Gauge("connections", "connections to an endpoint, with and without a Hello", labels,
              static_cast<double>(socket.connections()->connections()));
  text->Counter("closed_connections", "connections closed as too many, too late or refused", labels,
                socket.connections()->closed());
}

class ReassemblerStage {
 public:
  ReassemblerStage(const ReassemblerOptions& options, ProcessServices& services,
                   const std::atomic<int>& stop)
      : options_(options),
        security_(*services.security),
        metrics_(services.metrics.get()),
        reads_memory_(services.reads_memory),
        blocks_(services.shares_memory),
        stop_(stop),
        epoch_(RandomEpoch()),
        topics_(options.shard),
        merger_(options.reorder_window_ms * kNsPerMs),
        batcher_(epoch_, options.shard, options.community_id_seed),
        reassembler_(Simulated(options), &batcher_) {
    if (options.sources != 1) reassembler_.set_several_sources();
    batcher_.set_on_full([this] { FlushFull(); });
  }

  absl::Status Open(zmq::context_t& context);
  absl::Status Run();

 private:
  void ServiceCaptures();
  void AddNewSources();
  void ReplaceForgottenSources();
  void EndRefusedSources();
  TimeNs LatestNs() const;
  void TakeDelivery(size_t peer, std::shared_ptr<Delivery> delivery);
  bool TakeFrames();
  void FinishEnds();
  bool MayStart() const;
  bool AllEnded() const;
  bool FilesAreLeft() const;
  bool CanSend() const { return sinks_ == nullptr || !sinks_->full(); }
  void TellProgress();
  void Flush();
  void FlushFull();
  void SendEnd();
  void PublishMetrics(int64_t now_ns);
  wire::Ledger MakeLedger();
  absl::Status Drain();

  const ReassemblerOptions& options_;
  const LinkSecurity& security_;
  MetricsServer* const metrics_;  // may be null
  const SharedMemories reads_memory_;
  const MemoryBlocks blocks_;  // for payload
  const std::atomic<int>& stop_;
  const uint64_t epoch_;
  std::unique_ptr<RouterReceiver> captures_;
  std::unique_ptr<RouterSender> sinks_;
  std::optional<Tap> tap_;
  TapTopics topics_;
  std::vector<Socket*> sockets_;
  SourceMerger merger_;
  const Delivery* frame_batch_ = nullptr;  // that the last frame was in
  StreamBatcher batcher_;
  Reassembler reassembler_;
  SourceBooks books_{&merger_, &reassembler_};
  std::vector<std::shared_ptr<Delivery>> source_ends_;  // null: none waits to be finished
  std::vector<uint32_t> source_generations_;
  std::string source_error_;
  bool started_ = false;
};

absl::Status ReassemblerStage::Open(zmq::context_t& context) {
  auto captures = ParseEndpoints(options_.captures, /*binds_by_default=*/true);
  if (!captures.ok()) return captures.status();
  auto capture_socket =
      Socket::Open(context, zmq::socket_type::router, *captures, security_, kCaptureRole);
  if (!capture_socket.ok()) return capture_socket.status();
  captures_ = std::make_unique<RouterReceiver>(
      *std::move(capture_socket),
      LinkIdentity{wire::REASSEMBLER_INPUT, options_.name, epoch_, false, nullptr, reads_memory_},
      wire::CAPTURE, options_.window_bytes);
  sockets_.push_back(&captures_->socket());
  if (options_.sinks != "none") {
    auto sinks = ParseEndpoints(options_.sinks, /*binds_by_default=*/true);
    if (!sinks.ok()) return sinks.status();
    auto sink_socket =
        Socket::Open(context, zmq::socket_type::router, *sinks, security_, kSinkRole);
    if (!sink_socket.ok()) return sink_socket.status();
    sinks_ = std::make_unique<RouterSender>(
        *std::move(sink_socket),
        LinkIdentity{wire::REASSEMBLER_OUTPUT, options_.name, epoch_, false, blocks_.memory()},
        wire::SINK, options_.buffer_bytes);
    sockets_.push_back(&sinks_->socket());
    // A tap needs bytes.
    if (sinks_->socket().in_process() && options_.tap.empty()) batcher_.HandOver();
    if (blocks_.memory() != nullptr && options_.tap.empty()) batcher_.ShareMemory(blocks_);
  }
  if (!options_.tap.empty()) {
    auto tap = Tap::Open(context, options_.tap, security_);
    if (!tap.ok()) return tap.status();
    tap_ = *std::move(tap);
  }
  return absl::OkStatus();
}

absl::Status ReassemblerStage::Run() {
  TellReady();
  bool frames_wait = false;
  while (stop_ == 0 && !(started_ && AllEnded())) {
    // A sink may have made room, or come, since frames were taken last.
    const bool can_go_on = frames_wait && CanSend() && (started_ || MayStart());
    WaitForInput(sockets_, -1, can_go_on ? 0 : kWaitMs);
    ServiceCaptures();
    started_ = started_ || MayStart();
    frames_wait = !started_ || !CanSend() || TakeFrames();
    FinishEnds();
    captures_->SendAll(SteadyNowNs());
    TellProgress();
    // Progress alone is told to sinks that have nothing else to do, so that it cannot pile up.
    if (batcher_.due(SteadyNowNs()) &&
        (!batcher_.empty() || (sinks_ != nullptr && sinks_->drained()))) {
      Flush();
    }
    if (sinks_ != nullptr) sinks_->Service(SteadyNowNs());
  }
  if (stop_ > 0 && source_error_.empty() && FilesAreLeft()) {
    source_error_ = "the reassembler was stopped before its sources had ended";
  }
  // What has arrived is used, also after a stop request.
  while (TakeFrames()) {
  }
  FinishEnds();
  reassembler_.Finish();
  if (!batcher_.empty()) Flush();
  SendEnd();
  return Drain();
}

void ReassemblerStage::ServiceCaptures() {
  const int64_t now_ns = SteadyNowNs();
  TellAlive(now_ns);
  if (tap_) tap_->Service(now_ns);
  if (metrics_ != nullptr && metrics_->due(kMetricsPart, now_ns)) PublishMetrics(now_ns);
  captures_->set_flows(reassembler_.ledger().flows_opened);
  captures_->Service(now_ns, [this](size_t peer, std::shared_ptr<Delivery> delivery) {
    TakeDelivery(peer, std::move(delivery));
  });
  AddNewSources();
  EndRefusedSources();
  for (size_t i = 0; i < captures_->peers(); ++i) {
    const TimeNs promised_ns = captures_->link(i).heartbeat_watermark_ns();
    merger_.SetWatermark(i, std::min(promised_ns, LatestNs()));
  }
}

void ReassemblerStage::AddNewSources() {
  ReplaceForgottenSources();
  while (merger_.sources() < captures_->peers()) {
    const size_t source = merger_.sources();
    const LinkReceiver& link = captures_->link(source);
    merger_.AddSource(link.peer_name(), link.peer_live());
    if (merger_.sources() > 1) reassembler_.set_several_sources();
    books_.AddSource(&link);
    source_ends_.push_back(nullptr);
    source_generations_.push_back(captures_->generation(source));
  }
}

void ReassemblerStage::ReplaceForgottenSources() {
  for (size_t i = 0; i < merger_.sources(); ++i) {
    if (source_generations_[i] == captures_->generation(i)) continue;
    source_generations_[i] = captures_->generation(i);
    const LinkReceiver& link = captures_->link(i);
    books_.ReplaceSource(i, &link);
    merger_.ReplaceSource(i, link.peer_name(), link.peer_live());
    source_ends_[i] = nullptr;
  }
}

// What a refused source sent before is used; nothing more is waited for.
void ReassemblerStage::EndRefusedSources() {
  for (size_t i = 0; i < merger_.sources(); ++i) {
    const LinkReceiver& link = captures_->link(i);
    if (link.state() != LinkState::kRefused || merger_.ended(i)) continue;
    merger_.EndSource(i, true);
    if (source_error_.empty() && link.received() > 0) {
      source_error_ =
          absl::StrFormat("source '%s' was refused: %s", link.peer_name(), link.refusal());
    }
  }
}

// Where there is an interface among several sources, nothing is captured later than now: none of
// them can close the others' flows by what it says of the time.
TimeNs ReassemblerStage::LatestNs() const {
  const bool among_others = options_.sources != 1 && !captures_->socket().in_process();
  if (!among_others || !merger_.any_live()) return kTimeMax;
  timespec now = {};
  clock_gettime(CLOCK_REALTIME, &now);
  return AddNs(MakeTimeNs(now.tv_sec, now.tv_nsec), kClockAheadNs);
}

void ReassemblerStage::TakeDelivery(size_t peer, std::shared_ptr<Delivery> delivery) {
  AddNewSources();
  books_.NoteEpoch(peer);
  if (delivery->message().has_packets()) {
    for (const std::string& text : delivery->message().packets().tls_secrets()) {
      batcher_.AddTlsSecrets(text);
    }
    if (delivery->message().packets().has_source_ledger()) {
      books_.Tell(peer, delivery->message().packets().source_ledger());
    }
    merger_.EndSource(peer, false);
    const bool has_frames = delivery->message().packets().capture_time_ns_size() > 0;
    if (has_frames && merger_.AddBatch(peer, delivery, LatestNs())) return;
    captures_->Finish(peer, *delivery);
    if (has_frames || !delivery->blob().empty()) {
      captures_->Contradicts(peer, "its batch's lengths do not add up to its frames");
    }
  } else if (delivery->message().has_end()) {
    const wire::End& end = delivery->message().end();
    for (const std::string& text : end.tls_secrets()) batcher_.AddTlsSecrets(text);
    books_.Tell(peer, end.source());
    if (source_error_.empty()) source_error_ = ToPrintable(end.error().substr(0, kMaxErrorBytes));
    merger_.EndSource(peer, true);
    // That of an earlier process, whose frames wait still.
    if (source_ends_[peer] != nullptr) captures_->Finish(peer, *source_ends_[peer]);
    source_ends_[peer] = std::move(delivery);
  }
}

// An End is finished with when everything before it is.
void ReassemblerStage::FinishEnds() {
  for (size_t i = 0; i < merger_.sources(); ++i) {
    if (source_ends_[i] == nullptr || !merger_.drained(i)) continue;
    captures_->Finish(i, *source_ends_[i]);
    source_ends_[i] = nullptr;
  }
}

// True when there may be more to take at once.
bool ReassemblerStage::TakeFrames() {
  const SourceMerger::OnFinished finished = [this](size_t source, const Delivery& batch) {
    captures_->Finish(source, batch);
  };
  Frame frame;
  for (int i = 0; i < kFramesPerTurn; ++i) {
    if (!merger_.Next(&frame, finished)) return false;
    if (merger_.current().get() != frame_batch_) {
      frame_batch_ = merger_.current().get();
      batcher_.set_frame_batch(merger_.current());
      // What is the capture's must not be kept.
      const bool keeps = !frame_batch_->borrowed();
      reassembler_.SetFrameArea(keeps ? frame_batch_->blob() : ByteView{},
                                keeps ? merger_.current() : nullptr);
    }
    reassembler_.OnFrame(frame);
    if (!batcher_.full()) continue;
    Flush();
    if (!CanSend()) return true;
  }
  return true;
}

bool ReassemblerStage::MayStart() const {
  size_t sources = 0;
  for (size_t i = 0; i < captures_->peers(); ++i) {
    if (captures_->link(i).state() != LinkState::kRefused) ++sources;
  }
  if (sources < std::max(options_.sources, 1u)) return false;
  return sinks_ == nullptr || sinks_->peers() >= options_.wait_sinks;
}

bool ReassemblerStage::AllEnded() const {
  if (options_.sources == 0) return false;
  for (size_t i = 0; i < merger_.sources(); ++i) {
    if (!merger_.ended(i) || !merger_.drained(i)) return false;
  }
  return true;
}

// Of an interface there is always more: that is no loss.
bool ReassemblerStage::FilesAreLeft() const {
  for (size_t i = 0; i < merger_.sources(); ++i) {
    if (!captures_->link(i).peer_live() && !merger_.ended(i)) return true;
  }
  return false;
}

void ReassemblerStage::TellProgress() {
  batcher_.set_progress(reassembler_.ledger().frames_received, reassembler_.ledger().waiting_bytes);
}

void ReassemblerStage::Flush() {
  TellProgress();
  batcher_.set_time_ns(reassembler_.now_ns());
  if (tap_ && !batcher_.empty()) {
    topics_.Split(
        batcher_.fields(), batcher_.payload(),
        [this](std::string_view topic, const WireMessage& part) { tap_->Publish(topic, part); });
  }
  const uint64_t sequence = sinks_ != nullptr ? sinks_->next_sequence() : 0;
  WireMessage message = batcher_.Flush(sequence);
  if (sinks_ == nullptr) return;
  sinks_->Append(std::move(message));
  sinks_->Service(SteadyNowNs());
}

// In the middle of a frame, or at the end, when all open flows close: the sources are not looked at
// meanwhile, but the sinks are waited for when far too much lies there for them.
void ReassemblerStage::FlushFull() {
  Flush();
  if (sinks_ == nullptr) return;
  const int64_t since_ns = SteadyNowNs();
  while (sinks_->buffered_bytes() > 2 * options_.buffer_bytes && stop_ < 2) {
    const int64_t now_ns = SteadyNowNs();
    if (stop_ > 0 && now_ns - since_ns > kGiveUpNs) return;
    TellAlive(now_ns);
    sinks_->Service(now_ns);
    WaitForInput({&sinks_->socket()}, -1, kWaitMs);
  }
}

wire::Ledger ReassemblerStage::MakeLedger() {
  wire::Ledger ledger;
  books_.AddTo(&ledger);
  ToWire(reassembler_.ledger(), ledger.mutable_reassembly());
  for (const auto& [type, frames] : reassembler_.unknown_link_types()) {
    wire::UnknownLinkType* unknown = ledger.add_unknown_link_types();
    unknown->set_link_type(type);
    unknown->set_frames(frames);
  }
  for (const auto& [network, beacons] : reassembler_.networks()) {
    wire::WirelessNetwork* out = ledger.add_networks();
    out->set_mac(network.mac.data(), network.mac.size());
    out->set_ssid(network.ssid);
    out->set_beacons(beacons);
  }
  return ledger;
}

void ReassemblerStage::PublishMetrics(int64_t now_ns) {
  MetricsText text;
  const std::string shard = absl::StrCat(options_.shard);
  books_.AddMetrics(shard, now_ns, &text);
  text.Add(reassembler_.ledger(), options_.shard);
  text.Gauge("reassembly_open_flows", "flows that are open", {{"shard", shard}},
             static_cast<double>(reassembler_.ledger().flows_opened) -
                 static_cast<double>(reassembler_.ledger().flows_closed));
  text.Counter("refused_connections", "connections refused for their keys", {{"shard", shard}},
               security_.refused_connections());
  text.Counter("refused_peers", "peers refused for what they said", {{"shard", shard}},
               captures_->refused_peers() + (sinks_ == nullptr ? 0 : sinks_->refused_peers()));
  text.Counter("forgotten_peers", "names that have gone and were forgotten for new ones",
               {{"shard", shard}},
               captures_->forgotten_peers() + (sinks_ == nullptr ? 0 : sinks_->forgotten_peers()));
  AddConnections(&text, shard, "captures", captures_->socket());
  if (sinks_ != nullptr) AddConnections(&text, shard, "sinks", sinks_->socket());
  if (tap_) tap_->AddMetrics({{"shard", shard}}, &text);
  if (sinks_ != nullptr) {
    sinks_->ForEach([&](const std::string& name, const LinkSender& link) {
      AddLinkMetrics(link, {{"shard", shard}, {"sink", name}}, now_ns, &text);
    });
  }
  metrics_->Publish(kMetricsPart, text.Text(), now_ns);
}

void ReassemblerStage::SendEnd() {
  for (const auto& [type, frames] : reassembler_.unknown_link_types()) {
    spdlog::warn("reassembler: {} frames of link type {} were not read: it is not known here",
                 frames, type);
  }
  for (const std::string& line : FindImbalance(reassembler_.ledger())) {
    spdlog::error("reassembler: the ledger does not balance: {}", line);
  }
  if (sinks_ == nullptr) return;
  wire::LinkMessage message;
  message.set_sequence(sinks_->next_sequence());
  wire::End* end = message.mutable_end();
  end->set_batches(message.sequence() - 1);
  end->set_error(source_error_);
  for (const std::string& text : batcher_.TakeTlsSecrets()) end->add_tls_secrets(text);
  *end->mutable_ledger() = MakeLedger();
  sinks_->AppendLast(WireMessage(message.SerializeAsString()));
}

// Until every sink has finished with everything.
absl::Status ReassemblerStage::Drain() {
  int64_t alone_since_ns = SteadyNowNs();
  while (sinks_ != nullptr) {
    const int64_t now_ns = SteadyNowNs();
    ServiceCaptures();
    sinks_->Service(now_ns);
    if (sinks_->drained()) break;
    if (sinks_->reached() || stop_ == 0) alone_since_ns = now_ns;
    if (stop_ > 1 || now_ns - alone_since_ns > kGiveUpNs) {
      return absl::UnavailableError(
          absl::StrFormat("no sink at '%s' took all that was reassembled", options_.sinks));
    }
    WaitForInput(sockets_, -1, kWaitMs);
  }
  // The captures that have ended wait for the acknowledgement of their End.
  const auto ended = [this](size_t i) { return merger_.ended(i); };
  while (stop_ < 2 && !captures_->MayGo(SteadyNowNs(), ended)) {
    ServiceCaptures();
    if (!captures_->MayGo(SteadyNowNs(), ended)) WaitForInput(sockets_, -1, kWaitMs);
  }
  return absl::OkStatus();
}

}  // namespace

absl::Status CheckReassemblerOptions(const ReassemblerOptions& options) {
  if (const absl::Status keys = CheckSecurity(options.security); !keys.ok()) return keys;
  if (const absl::Status name = CheckName(options.name); !name.ok()) return name;
  if (const auto e = ParseEndpoints(options.captures, true); !e.ok()) return e.status();
  if (options.sinks != "none") {
    if (const auto e = ParseEndpoints(options.sinks, true); !e.ok()) return e.status();
  } else if (options.tap.empty()) {
    return absl::InvalidArgumentError("--sinks none needs a --tap, or nothing would come out");
  }
  if (!options.tap.empty()) {
    if (const auto e = ParseEndpoints(options.tap, true); !e.ok()) return e.status();
  }
  return absl::OkStatus();
}

absl::Status RunReassemblerStage(const ReassemblerOptions& options, ProcessServices& services,
                                 const std::atomic<int>& stop) {
  ReassemblerStage stage(options, services, stop);
  if (const absl::Status status = stage.Open(services.context); !status.ok()) return status;
  return stage.Run();
}

}  // namespace flowstitch
