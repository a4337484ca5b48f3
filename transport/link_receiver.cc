#include "transport/link_receiver.h"

#include <algorithm>

#include "transport/link_limits.h"

namespace flowstitch {
namespace {

// An acknowledgement that frees less than this waits a moment for company.
constexpr int64_t kAcknowledgeDelayNs = 5 * kNsPerMs;

}  // namespace

LinkReceiver::LinkReceiver(LinkIdentity self, wire::Role peer_role, bool dials,
                           uint64_t window_bytes)
    : self_(std::move(self)), peer_role_(peer_role), dials_(dials), window_bytes_(window_bytes) {}

void LinkReceiver::QueueHello(int64_t now_ns) {
  wire::LinkMessage message;
  wire::Hello* hello = message.mutable_hello();
  FillHello(self_, hello);
  hello->set_window_bytes(window_bytes_);
  hello->set_resume_epoch(peer_epoch_);
  hello->set_received_sequence(received_);
  control_.emplace_back(message.SerializeAsString());
  last_hello_ns_ = now_ns;
  hello_said_ = true;
}

void LinkReceiver::Receive(const wire::LinkMessage& message, int64_t now_ns) {
  if (state_ == LinkState::kRefused) return;
  last_heard_ns_ = now_ns;
  if (state_ == LinkState::kLost) state_ = LinkState::kOpen;
  switch (message.body_case()) {
    case wire::LinkMessage::kHello:
      OnHello(message.hello(), now_ns);
      break;
    case wire::LinkMessage::kHeartbeat:
      if (state_ != LinkState::kOpen) break;
      // What was sent before the heartbeat should be here by now. What is missing may be older than
      // the watermark.
      if (message.heartbeat().sent_sequence() > received_) {
        resend_wanted_ = true;
      } else {
        watermark_ns_ = std::max<TimeNs>(watermark_ns_, message.heartbeat().watermark_ns());
      }
      acknowledge_now_ = true;
      break;
    case wire::LinkMessage::kWhoAreYou:
      if (dials_) {
        state_ = LinkState::kWaiting;
        QueueHello(now_ns);
      }
      break;
    case wire::LinkMessage::kRefusal:
      state_ = LinkState::kRefused;
      refusal_ = message.refusal().text();
      break;
    case wire::LinkMessage::kFarewell:
      dismissed_ = true;
      break;
    case wire::LinkMessage::kAcknowledgement:
    case wire::LinkMessage::kEnd:
    case wire::LinkMessage::kPackets:
    case wire::LinkMessage::kStreams:
    case wire::LinkMessage::BODY_NOT_SET:
      break;
  }
}

void LinkReceiver::OnHello(const wire::Hello& hello, int64_t now_ns) {
  if (const auto refusal = CheckHello(hello, self_, peer_role_)) {
    wire::LinkMessage message;
    *message.mutable_refusal() = *refusal;
    control_.emplace_back(message.SerializeAsString());
    state_ = LinkState::kRefused;
    refusal_ = refusal->text();
    return;
  }
  const bool restarted = peer_epoch_ != 0 && hello.epoch() != peer_epoch_;
  peer_name_ = hello.name();
  peer_live_ = hello.live();
  if (hello.epoch() != peer_epoch_) {
    if (restarted) ++restarts_;
    peer_epoch_ = hello.epoch();
    dismissed_ = false;
    received_ = finished_ = told_received_ = told_finished_ = 0;
    untold_bytes_ = 0;
    frames_before_ = hello.frames_before();
  }
  // A peer that cannot give what comes next any more: what is missing is counted, not waited for. A
  // receiver that was itself restarted takes what there is; its predecessor had the rest.
  if (hello.first_sequence() > received_ + 1) {
    if (received_ != 0) missed_ += hello.first_sequence() - received_ - 1;
    received_ = hello.first_sequence() - 1;
    finished_ = std::max(finished_, received_);
  }
  state_ = LinkState::kOpen;
  if (!dials_) QueueHello(now_ns);
}

Arrival LinkReceiver::ReceiveSequenced(uint64_t sequence, int64_t now_ns) {
  if (state_ == LinkState::kLost) state_ = LinkState::kOpen;
  if (state_ != LinkState::kOpen) return Arrival::kDropped;
  last_heard_ns_ = now_ns;
  if (sequence <= received_) {
    ++duplicates_;
    acknowledge_now_ = true;
    return Arrival::kDuplicate;
  }
  if (sequence != received_ + 1) {
    resend_wanted_ = true;
    return Arrival::kDropped;
  }
  received_ = sequence;
  return Arrival::kTake;
}

void LinkReceiver::Finish(uint64_t sequence, size_t finished_bytes) {
  if (sequence <= finished_ || sequence > received_) return;
  finished_ = sequence;
  untold_bytes_ += finished_bytes;
}

bool LinkReceiver::MayGo(int64_t now_ns) {
  if (dismissed_ || state_ == LinkState::kRefused) return true;
  if (now_ns - last_heard_ns_ > kPeerTimeoutNs) return true;  // it has gone, or will not hear of it
  if (told_finished_ != finished_ || now_ns - last_said_ns_ >= kFarewellIntervalNs) {
    acknowledge_now_ = true;
  }
  return false;
}

std::optional<WireMessage> LinkReceiver::AcknowledgementIfDue(int64_t now_ns) {
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
  ack->set_window_bytes(window_bytes_);
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

std::optional<WireMessage> LinkReceiver::NextToSend(int64_t now_ns) {
  if (!control_.empty()) {
    WireMessage message = std::move(control_.front());
    control_.pop_front();
    last_said_ns_ = now_ns;
    return message;
  }
  if (state_ == LinkState::kRefused) return std::nullopt;
  if (state_ == LinkState::kOpen && now_ns - last_heard_ns_ > kPeerTimeoutNs) {
    state_ = LinkState::kLost;
  }
  const bool must_dial = dials_ && state_ != LinkState::kOpen;
  if (must_dial && (!hello_said_ || now_ns - last_hello_ns_ >= kHelloIntervalNs)) {
    QueueHello(now_ns);
    return NextToSend(now_ns);
  }
  if (state_ != LinkState::kOpen) return std::nullopt;
  return AcknowledgementIfDue(now_ns);
}

}  // namespace flowstitch
