#include "transport/link_sender.h"

#include <algorithm>

#include "transport/link_limits.h"
#include "transport/shared_batch.h"

namespace flowstitch {

LinkSender::LinkSender(LinkIdentity self, wire::Role peer_role, bool dials, const SendLog* log)
    : self_(std::move(self)), peer_role_(peer_role), dials_(dials), log_(log) {}

void LinkSender::Queue(const wire::LinkMessage& message) {
  control_.emplace_back(message.SerializeAsString());
}

void LinkSender::QueueHello(int64_t now_ns) {
  wire::LinkMessage message;
  FillHello(self_, message.mutable_hello());
  const uint64_t first = std::max(log_->first_sequence(), acknowledged_ + 1);
  message.mutable_hello()->set_first_sequence(first);
  message.mutable_hello()->set_frames_before(log_->FramesBefore(first));
  Queue(message);
  last_hello_ns_ = now_ns;
  hello_said_ = true;
}

void LinkSender::Receive(const wire::LinkMessage& message, int64_t now_ns) {
  if (state_ == LinkState::kRefused) return;
  last_heard_ns_ = now_ns;
  if (state_ == LinkState::kLost) state_ = LinkState::kOpen;
  switch (message.body_case()) {
    case wire::LinkMessage::kHello:
      OnHello(message.hello(), now_ns);
      break;
    case wire::LinkMessage::kAcknowledgement:
      OnAcknowledgement(message.acknowledgement(), now_ns);
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
    case wire::LinkMessage::kHeartbeat:
    case wire::LinkMessage::kFarewell:
    case wire::LinkMessage::kEnd:
    case wire::LinkMessage::kPackets:
    case wire::LinkMessage::kStreams:
    case wire::LinkMessage::BODY_NOT_SET:
      break;
  }
}

void LinkSender::OnHello(const wire::Hello& hello, int64_t now_ns) {
  if (const auto refusal = CheckHello(hello, self_, peer_role_)) {
    wire::LinkMessage message;
    *message.mutable_refusal() = *refusal;
    Queue(message);
    state_ = LinkState::kRefused;
    refusal_ = refusal->text();
    return;
  }
  // A delayed second answer to one Hello must not throw the link back.
  const bool same_peer = hello.epoch() == peer_epoch_ && state_ == LinkState::kOpen;
  peer_name_ = hello.name();
  peer_epoch_ = hello.epoch();
  window_bytes_ = hello.window_bytes();
  peer_reads_memory_ = self_.writes_memory != nullptr &&
                       std::count(hello.reads_memory().begin(), hello.reads_memory().end(),
                                  self_.writes_memory->id()) > 0;
  if (same_peer && dials_) return;
  state_ = LinkState::kOpen;
  uint64_t next = log_->first_sequence();
  if (hello.resume_epoch() == self_.epoch) {
    next = std::max(next, std::min(hello.received_sequence(), log_->last_sequence()) + 1);
  }
  // A peer that was restarted has nothing: all that is still in the log goes to it.
  acknowledged_ = std::max(acknowledged_, log_->first_sequence() - 1);
  next_ = std::max(next, acknowledged_ + 1);
  if (!dials_) QueueHello(now_ns);
  in_flight_bytes_ = 0;
  for (uint64_t s = acknowledged_ + 1; s < next_; ++s) in_flight_bytes_ += log_->Find(s)->size();
}

void LinkSender::OnAcknowledgement(const wire::Acknowledgement& ack, int64_t now_ns) {
  if (state_ != LinkState::kOpen) return;
  window_bytes_ = ack.window_bytes();
  peer_flows_ = std::max(peer_flows_, ack.flows());
  // A peer cannot have finished with what was never sent to it.
  const uint64_t acknowledged = std::min(ack.acknowledged_sequence(), highest_sent_);
  while (acknowledged_ < acknowledged) {
    ++acknowledged_;
    if (acknowledged_ >= next_) continue;
    const WireMessage* message = log_->Find(acknowledged_);
    if (message != nullptr) in_flight_bytes_ -= message->size();
  }
  next_ = std::max(next_, acknowledged_ + 1);
  // It may not have heard of it the last time.
  if (log_->closed() && acknowledged_ == log_->last_sequence()) {
    wire::LinkMessage farewell;
    farewell.mutable_farewell();
    Queue(farewell);
  }
  // A peer that waits for what is not here any more is told where to begin.
  if (dials_ && ack.received_sequence() < acknowledged_ &&
      now_ns - last_hello_ns_ >= kHelloIntervalNs) {
    QueueHello(now_ns);
  }
  if (!ack.resend() || now_ns - last_resend_ns_ < kResendIntervalNs) return;
  const uint64_t from = std::max(ack.received_sequence(), acknowledged_) + 1;
  if (from >= next_) return;
  last_resend_ns_ = now_ns;
  for (uint64_t s = from; s < next_; ++s) in_flight_bytes_ -= log_->Find(s)->size();
  next_ = from;
}

std::optional<WireMessage> LinkSender::NextToSend(int64_t now_ns) {
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

  const WireMessage* message = log_->Find(next_);
  const bool window_open =
      message != nullptr &&
      (in_flight_bytes_ == 0 || in_flight_bytes_ + message->size() <= window_bytes_);
  if (window_open) {
    if (next_ <= highest_sent_) ++resent_messages_;
    highest_sent_ = std::max(highest_sent_, next_);
    in_flight_bytes_ += message->size();
    ++next_;
    last_said_ns_ = now_ns;
    const SharedBatch* shared = message->shared();
    return shared == nullptr || peer_reads_memory_ ? *message : WithPayload(*shared);
  }
  // What was not sent so far is older than the watermark.
  const TimeNs watermark_ns = message == nullptr ? watermark_ns_ : told_watermark_ns_;
  const int64_t interval_ns =
      watermark_ns > told_watermark_ns_ ? kWatermarkIntervalNs : kHeartbeatIntervalNs;
  if (now_ns - last_said_ns_ < interval_ns) return std::nullopt;
  wire::LinkMessage heartbeat;
  heartbeat.mutable_heartbeat()->set_sent_sequence(next_ - 1);
  heartbeat.mutable_heartbeat()->set_watermark_ns(watermark_ns);
  told_watermark_ns_ = watermark_ns;
  last_said_ns_ = now_ns;
  return WireMessage(heartbeat.SerializeAsString());
}

}  // namespace flowstitch
