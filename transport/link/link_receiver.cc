#include "transport/link/link_receiver.h"

#include "absl/strings/str_format.h"
#include "transport/link/link_limits.h"

namespace flowstitch {
namespace {

// An acknowledgement that frees less than this waits a moment for company.
constexpr int64_t kAcknowledgeDelayNs = 5 * kNsPerMs;
// How a peer counts its messages may differ from ours by their heads.
constexpr uint64_t kWindowSlackBytes = 64 << 10;

}  // namespace

LinkReceiver::LinkReceiver(LinkIdentity self, wire::Role peer_role, bool dials,
                           uint64_t window_bytes)
    : LinkEnd(std::move(self), peer_role, dials), window_bytes_(window_bytes) {}

void LinkReceiver::FillOwnHello(wire::Hello* hello) {
  hello->set_window_bytes(window());
  hello->set_resume_epoch(peer_epoch());
  hello->set_received_sequence(received_);
}

Arrival LinkReceiver::Receive(const wire::LinkMessage& message, size_t bytes, int64_t now_ns) {
  if (state_ == LinkState::kRefused || !MayBe(message)) return Arrival::kDropped;
  NoteHeard(now_ns);
  if (message.sequence() != 0) return OnSequenced(message.sequence(), bytes);
  if (OnPeerMessage(message, now_ns)) return Arrival::kDropped;
  if (message.has_heartbeat()) OnHeartbeat(message.heartbeat());
  if (message.has_farewell()) dismissed_ = true;
  return Arrival::kDropped;
}

void LinkReceiver::OnHeartbeat(const wire::Heartbeat& heartbeat) {
  if (state_ != LinkState::kOpen) return;
  // What was sent before the heartbeat should be here by now. What is missing may be older than the
  // watermark.
  if (heartbeat.sent_sequence() > received_) {
    resend_wanted_ = true;
  } else {
    watermark_ns_ = std::max<TimeNs>(watermark_ns_, heartbeat.watermark_ns());
  }
  acknowledge_now_ = true;
}

void LinkReceiver::BeginEpoch(const wire::Hello& hello) {
  dismissed_ = false;
  received_ = finished_ = told_received_ = told_finished_ = 0;
  unfinished_.clear();
  stale_bytes_ += unfinished_bytes_;
  unfinished_bytes_ = 0;
  untold_bytes_ = 0;
  frames_before_ = hello.frames_before();
}

void LinkReceiver::OnHello(const wire::Hello& hello, int64_t now_ns) {
  const uint64_t former = peer_epoch();
  const bool repeats = hello.epoch() == former && state_ == LinkState::kOpen;
  if (!AcceptHello(hello)) return;
  peer_live_ = hello.live();
  if (hello.epoch() != former) {
    if (former != 0) ++restarts_;
    BeginEpoch(hello);
  }
  // A peer that cannot give what comes next any more: what is missing is counted, not waited for. A
  // receiver that was itself restarted takes what there is; its predecessor had the rest.
  if (hello.first_sequence() > received_ + 1) {
    const uint64_t skipped = hello.first_sequence() - received_ - 1;
    if (received_ != 0) missed_ = std::min(missed_ + skipped, kMaxCount);
    received_ = hello.first_sequence() - 1;
    if (unfinished_.empty()) finished_ = received_;
  }
  state_ = LinkState::kOpen;
  AnswerHello(repeats, now_ns);
}

Arrival LinkReceiver::OnSequenced(uint64_t sequence, size_t bytes) {
  if (state_ != LinkState::kOpen) return Arrival::kDropped;
  if (sequence <= received_) {
    ++duplicates_;
    acknowledge_now_ = true;
    return Arrival::kDuplicate;
  }
  if (sequence != received_ + 1) {
    resend_wanted_ = true;
    return Arrival::kDropped;
  }
  const uint64_t most = window() + window_bytes_ / 8 + kWindowSlackBytes;
  if (unfinished_bytes_ > 0 && unfinished_bytes_ + bytes > most) {
    Contradicts(absl::StrFormat("it sends more than its window of %d bytes", window_bytes_));
    return Arrival::kDropped;
  }
  received_ = sequence;
  unfinished_.push_back({sequence, bytes});
  unfinished_bytes_ += bytes;
  return Arrival::kTake;
}

void LinkReceiver::Finish(uint64_t restarts, uint64_t sequence, size_t bytes) {
  if (restarts != restarts_) {
    stale_bytes_ -= std::min<uint64_t>(bytes, stale_bytes_);
    return;
  }
  while (!unfinished_.empty() && unfinished_.front().sequence <= sequence) {
    unfinished_bytes_ -= unfinished_.front().bytes;
    untold_bytes_ += unfinished_.front().bytes;
    unfinished_.pop_front();
  }
  finished_ = unfinished_.empty() ? received_ : unfinished_.front().sequence - 1;
}

bool LinkReceiver::MayGo(int64_t now_ns) {
  if (dismissed_ || state_ == LinkState::kRefused) return true;
  // It has gone, or will not hear of it.
  if (now_ns - last_heard_ns() > kPeerTimeoutNs) return true;
  if (told_finished_ != finished_ || now_ns - last_said_ns_ >= kFarewellIntervalNs) {
    acknowledge_now_ = true;
  }
  return false;
}

std::optional<WireMessage> LinkReceiver::NextWhenOpen(int64_t now_ns) {
  const bool news = finished_ != told_finished_ || received_ != told_received_;
  const bool enough = untold_bytes_ >= window_bytes_ / 8;
  const int64_t waited_ns = now_ns - last_said_ns_;
  const bool resend = resend_wanted_ && now_ns - last_resend_ns_ >= kResendIntervalNs;
  if (!acknowledge_now_ && !enough && !resend && !(news && waited_ns >= kAcknowledgeDelayNs) &&
      waited_ns < kHeartbeatIntervalNs) {
    return std::nullopt;
  }
  wire::LinkMessage message;
  wire::Acknowledgement* ack = message.mutable_acknowledgement();
  ack->set_received_sequence(received_);
  ack->set_acknowledged_sequence(finished_);
  ack->set_window_bytes(window());
  ack->set_resend(resend);
  ack->set_flows(flows_);
  if (resend) {
    resend_wanted_ = false;
    last_resend_ns_ = now_ns;
  }
  told_received_ = received_;
  told_finished_ = finished_;
  untold_bytes_ = 0;
  acknowledge_now_ = false;
  last_said_ns_ = now_ns;
  return WireMessage(message.SerializeAsString());
}

}  // namespace flowstitch
