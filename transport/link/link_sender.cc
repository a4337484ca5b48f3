#include "transport/link/link_sender.h"

#include <algorithm>

#include "absl/strings/str_format.h"
#include "transport/link/link_limits.h"
#include "transport/link/shared_batch.h"

namespace flowstitch {

LinkSender::LinkSender(LinkIdentity self, wire::Role peer_role, bool dials, const SendLog* log)
    : LinkEnd(std::move(self), peer_role, dials), log_(log) {}

void LinkSender::FillOwnHello(wire::Hello* hello) {
  const uint64_t first = std::max(log_->first_sequence(), acknowledged_ + 1);
  hello->set_first_sequence(first);
  hello->set_frames_before(log_->FramesBefore(first));
}

void LinkSender::Receive(const wire::LinkMessage& message, int64_t now_ns) {
  if (state_ == LinkState::kRefused || !MayBe(message)) return;
  NoteHeard(now_ns);
  if (OnPeerMessage(message, now_ns)) return;
  if (message.has_acknowledgement()) OnAcknowledgement(message.acknowledgement(), now_ns);
}

void LinkSender::OnHello(const wire::Hello& hello, int64_t now_ns) {
  // A delayed second answer to one Hello must not throw the link back.
  const bool same_peer = hello.epoch() == peer_epoch() && state_ == LinkState::kOpen;
  if (!AcceptHello(hello)) return;
  const bool resumes = hello.resume_epoch() == self_.epoch;
  if (resumes && hello.received_sequence() > log_->last_sequence()) {
    Contradicts(absl::StrFormat("it has received message %d, but %d was the last one",
                                hello.received_sequence(), log_->last_sequence()));
    return;
  }
  window_bytes_ = hello.window_bytes();
  peer_reads_memory_ = self_.writes_memory != nullptr &&
                       std::count(hello.reads_memory().begin(), hello.reads_memory().end(),
                                  self_.writes_memory->id()) > 0;
  if (same_peer && dials_) return;
  state_ = LinkState::kOpen;
  uint64_t next = log_->first_sequence();
  if (resumes) next = std::max(next, hello.received_sequence() + 1);
  // A peer that was restarted has nothing: all that is still in the log goes to it.
  acknowledged_ = std::max(acknowledged_, log_->first_sequence() - 1);
  next_ = std::max(next, acknowledged_ + 1);
  highest_sent_ = std::max(highest_sent_, next_ - 1);
  in_flight_bytes_ = log_->BytesOf(acknowledged_ + 1, next_);
  AnswerHello(same_peer, now_ns);
}

void LinkSender::OnAcknowledgement(const wire::Acknowledgement& ack, int64_t now_ns) {
  if (state_ != LinkState::kOpen) return;
  // Arithmetic with it is safe from here on: what was sent is in the log, or acknowledged.
  if (ack.received_sequence() > highest_sent_) {
    Contradicts(absl::StrFormat("it has received message %d, but %d was the last one sent to it",
                                ack.received_sequence(), highest_sent_));
    return;
  }
  window_bytes_ = ack.window_bytes();
  peer_flows_ = std::max(peer_flows_, ack.flows());
  if (ack.acknowledged_sequence() > acknowledged_) {
    const uint64_t behind = ack.acknowledged_sequence() + 1;
    in_flight_bytes_ -= log_->BytesOf(acknowledged_ + 1, std::min(behind, next_));
    acknowledged_ = ack.acknowledged_sequence();
    next_ = std::max(next_, behind);
    stalled_since_ns_ = now_ns;
  }
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
  if (ack.resend()) SendAgainFrom(std::max(ack.received_sequence(), acknowledged_) + 1, now_ns);
}

void LinkSender::SendAgainFrom(uint64_t sequence, int64_t now_ns) {
  if (now_ns - last_resend_ns_ < kResendIntervalNs || sequence >= next_) return;
  last_resend_ns_ = now_ns;
  in_flight_bytes_ -= log_->BytesOf(sequence, next_);
  next_ = sequence;
}

// Time alone does not stall a peer for which nothing waits.
void LinkSender::NoteStall(int64_t now_ns) {
  const bool waits = state_ != LinkState::kRefused && acknowledged_ < log_->last_sequence();
  if (!waits) {
    stalled_since_ns_ = 0;
  } else if (stalled_since_ns_ == 0) {
    stalled_since_ns_ = now_ns;
  }
}

std::optional<WireMessage> LinkSender::NextWhenOpen(int64_t now_ns) {
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
