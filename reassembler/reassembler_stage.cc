#include "reassembler/reassembler_stage.h"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <map>
#include <memory>
#include <optional>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "base/process/service.h"
#include "reassembler/flows/reassembler.h"
#include "reassembler/source_intake.h"
#include "reassembler/stream_batcher.h"
#include "reassembler/tap_topics.h"
#include "transport/link/ledger_codec.h"
#include "transport/link_log.h"
#include "transport/link_metrics.h"
#include "transport/router_sender.h"
#include "transport/steady_clock.h"
#include "transport/tap.h"

namespace flowstitch {
namespace {

constexpr int kWaitMs = 5;
constexpr char kMetricsPart[] = "reassembler";
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
        blocks_(services.shares_memory),
        stop_(stop),
        epoch_(RandomEpoch()),
        topics_(options.shard),
        intake_(options, &reassembler_, &batcher_),
        batcher_(epoch_, options.shard, options.community_id_seed),
        reassembler_(Simulated(options), &batcher_) {
    batcher_.set_on_full([this] { FlushFull(); });
  }

  absl::Status Open(ProcessServices& services);
  absl::Status Run();

 private:
  void ServiceCaptures();
  bool TakeFrames();
  bool MayStart() const;
  void NoteWaiting();
  bool CanSend() const { return sinks_ == nullptr || !sinks_->full(); }
  void TellProgress();
  void Flush();
  void FlushFull();
  void SendEnd();
  void PublishMetrics(int64_t now_ns);
  wire::Ledger MakeLedger();
  std::map<UnreadKind, uint64_t> SortedUnread() const;
  absl::Status Drain();

  const ReassemblerOptions& options_;
  const LinkSecurity& security_;
  MetricsServer* const metrics_;  // may be null
  const MemoryBlocks blocks_;     // for payload
  const std::atomic<int>& stop_;
  const uint64_t epoch_;
  std::unique_ptr<RouterSender> sinks_;
  std::optional<Tap> tap_;
  TapTopics topics_;
  std::vector<Socket*> sockets_;
  SourceIntake intake_;
  const Delivery* frame_batch_ = nullptr;  // that the last frame was in
  StreamBatcher batcher_;
  Reassembler reassembler_;
  std::string error_;  // why the sources were not read to their ends; empty: they were
  bool started_ = false;
  WaitNotice waits_;
};

absl::Status ReassemblerStage::Open(ProcessServices& services) {
  if (const absl::Status status = intake_.Open(services, epoch_); !status.ok()) return status;
  sockets_.push_back(&intake_.links().socket());
  if (options_.sinks != "none") {
    auto sinks = ParseEndpoints(options_.sinks, /*binds_by_default=*/true);
    if (!sinks.ok()) return sinks.status();
    auto sink_socket =
        Socket::Open(services.context, zmq::socket_type::router, *sinks, security_, kSinkRole);
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
    auto tap = Tap::Open(services.context, options_.tap, security_);
    if (!tap.ok()) return tap.status();
    tap_ = *std::move(tap);
  }
  return absl::OkStatus();
}

absl::Status ReassemblerStage::Run() {
  TellReady();
  bool frames_wait = false;
  while (stop_ == 0 && !(started_ && intake_.AllEnded())) {
    // A sink may have made room, or come, since frames were taken last.
    const bool can_go_on = frames_wait && CanSend() && (started_ || MayStart());
    WaitForInput(sockets_, -1, can_go_on ? 0 : kWaitMs);
    ServiceCaptures();
    started_ = started_ || MayStart();
    NoteWaiting();
    frames_wait = !started_ || !CanSend() || TakeFrames();
    intake_.FinishEnds();
    intake_.links().SendAll(SteadyNowNs());
    TellProgress();
    // Progress alone is told to sinks that have nothing else to do, so that it cannot pile up.
    if (batcher_.due(SteadyNowNs()) &&
        (!batcher_.empty() || (sinks_ != nullptr && sinks_->drained()))) {
      Flush();
    }
    if (sinks_ != nullptr) sinks_->Service(SteadyNowNs());
  }
  if (stop_ > 0 && intake_.FilesAreLeft()) {
    error_ = "the reassembler was stopped before its sources had ended";
  }
  // What has arrived is used, also after a stop request.
  while (TakeFrames()) {
  }
  intake_.FinishEnds();
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
  intake_.links().set_flows(reassembler_.ledger().flows_opened);
  intake_.Service(now_ns);
}

// True when there may be more to take at once.
bool ReassemblerStage::TakeFrames() {
  Frame frame;
  for (int i = 0; i < kFramesPerTurn; ++i) {
    if (!intake_.Next(&frame)) return false;
    if (intake_.batch().get() != frame_batch_) {
      frame_batch_ = intake_.batch().get();
      batcher_.set_frame_batch(intake_.batch());
      // What is the capture's must not be kept.
      const bool keeps = !frame_batch_->borrowed();
      reassembler_.SetFrameArea(keeps ? frame_batch_->blob() : ByteView{},
                                keeps ? intake_.batch() : nullptr);
    }
    reassembler_.OnFrame(frame);
    if (!batcher_.full()) continue;
    Flush();
    if (!CanSend()) return true;
  }
  return true;
}

void ReassemblerStage::NoteWaiting() {
  const bool for_sources = intake_.admitted() < std::max(options_.sources, 1u);
  waits_.Note(
      "reassembler", !started_ && !intake_.links().socket().in_process(), SteadyNowNs(), [&] {
        return for_sources
                   ? absl::StrFormat("captures at '%s': %d of %d are there", options_.captures,
                                     intake_.admitted(), std::max(options_.sources, 1u))
                   : absl::StrFormat("sinks at '%s': %d of %d are there", options_.sinks,
                                     sinks_->peers(), options_.wait_sinks);
      });
}

bool ReassemblerStage::MayStart() const {
  if (intake_.admitted() < std::max(options_.sources, 1u)) return false;
  return sinks_ == nullptr || sinks_->peers() >= options_.wait_sinks;
}

void ReassemblerStage::TellProgress() {
  batcher_.set_progress(reassembler_.ledger().frames_received, reassembler_.ledger().waiting_bytes);
}

void ReassemblerStage::Flush() {
  TellProgress();
  batcher_.set_time_ns(reassembler_.stamp_ns());
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

std::map<UnreadKind, uint64_t> ReassemblerStage::SortedUnread() const {
  return {reassembler_.unread().begin(), reassembler_.unread().end()};
}

wire::Ledger ReassemblerStage::MakeLedger() {
  wire::Ledger ledger;
  intake_.books().AddTo(&ledger);
  ToWire(reassembler_.ledger(), ledger.mutable_reassembly());
  for (const auto& [kind, frames] : SortedUnread()) {
    if (kind.layer == UnreadLayer::kLinkType) {
      wire::UnknownLinkType* unknown = ledger.add_unknown_link_types();
      unknown->set_link_type(kind.number);
      unknown->set_frames(frames);
    } else {
      wire::UnreadFrames* unread = ledger.add_unread();
      unread->set_layer(static_cast<wire::UnreadLayer>(kind.layer));
      unread->set_number(kind.number);
      unread->set_frames(frames);
    }
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
  intake_.books().AddMetrics(shard, now_ns, &text);
  text.Add(reassembler_.ledger(), options_.shard);
  text.Gauge("reassembly_open_flows", "flows that are open", {{"shard", shard}},
             static_cast<double>(reassembler_.ledger().flows_opened) -
                 static_cast<double>(reassembler_.ledger().flows_closed));
  text.Counter("refused_connections", "connections refused for their keys", {{"shard", shard}},
               security_.refused_connections());
  text.Counter("refused_peers", "peers refused for what they said", {{"shard", shard}},
               intake_.links().refused_peers() + (sinks_ == nullptr ? 0 : sinks_->refused_peers()));
  text.Counter(
      "forgotten_peers", "names that have gone and were forgotten for new ones", {{"shard", shard}},
      intake_.links().forgotten_peers() + (sinks_ == nullptr ? 0 : sinks_->forgotten_peers()));
  AddConnections(&text, shard, "captures", intake_.links().socket());
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
  for (const auto& [kind, frames] : SortedUnread()) {
    if (kind.layer != UnreadLayer::kLinkType) continue;
    spdlog::warn("reassembler: {} frames of link type {} were not read: it is not known here",
                 frames, kind.number);
  }
  for (const std::string& line : FindImbalance(reassembler_.ledger())) {
    spdlog::error("reassembler: the ledger does not balance: {}", line);
  }
  if (sinks_ == nullptr) return;
  wire::LinkMessage message;
  message.set_sequence(sinks_->next_sequence());
  wire::End* end = message.mutable_end();
  end->set_batches(message.sequence() - 1);
  end->set_error(intake_.error().empty() ? error_ : intake_.error());
  batcher_.tls_secrets().MoveTo(end);
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
  while (stop_ < 2 && !intake_.MayGo(SteadyNowNs())) {
    ServiceCaptures();
    if (!intake_.MayGo(SteadyNowNs())) WaitForInput(sockets_, -1, kWaitMs);
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
  if (const absl::Status status = stage.Open(services); !status.ok()) return status;
  services.NoteOpened();
  return stage.Run();
}

}  // namespace flowstitch
