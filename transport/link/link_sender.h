// The sending half of a link towards one peer, without I/O: LinkMessages and steady time in,
// messages to send out. Go-back-N: the peer takes messages in order only, and what it misses is
// sent again from there. Never more than the peer's window is under way. The messages live in a
// SendLog that several senders (one for each sink) share.
#ifndef FLOWSTITCH_TRANSPORT_LINK_LINK_SENDER_H_
#define FLOWSTITCH_TRANSPORT_LINK_LINK_SENDER_H_

#include <cstdint>
#include <optional>

#include "base/capture_time.h"
#include "proto/link.pb.h"
#include "transport/link/link_end.h"
#include "transport/link/send_log.h"

namespace flowstitch {

class LinkSender : public LinkEnd {
 public:
  // `log` outlives the sender.
  LinkSender(LinkIdentity self, wire::Role peer_role, bool dials, const SendLog* log);

  // A message from the peer. Batches are not for a sender and are ignored. A peer that contradicts
  // the contract is refused.
  void Receive(const wire::LinkMessage& message, int64_t now_ns);

  // Nothing that is appended from now on is older than this; the next Heartbeat says so.
  void set_watermark_ns(TimeNs watermark_ns) { watermark_ns_ = watermark_ns; }

  // The last sequence number the peer is finished with.
  uint64_t acknowledged() const { return acknowledged_; }
  // Bytes in the log that it is not finished with.
  size_t unacknowledged_bytes() const {
    return log_->BytesOf(acknowledged_ + 1, log_->next_sequence());
  }
  // Since when it has finished with nothing while something waits for it; 0: nothing waits.
  int64_t stalled_since_ns() const { return stalled_since_ns_; }
  // To be told the time at least as often as that is asked.
  void NoteStall(int64_t now_ns);
  // What the peer takes beyond what is under way.
  uint64_t credit_bytes() const {
    return window_bytes_ > in_flight_bytes_ ? window_bytes_ - in_flight_bytes_ : 0;
  }
  uint64_t resent_messages() const { return resent_messages_; }
  // Flows the peer said it knows of.
  uint64_t peer_flows() const { return peer_flows_; }

 private:
  void FillOwnHello(wire::Hello* hello) override;
  void OnHello(const wire::Hello& hello, int64_t now_ns) override;
  std::optional<WireMessage> NextWhenOpen(int64_t now_ns) override;
  void OnAcknowledgement(const wire::Acknowledgement& ack, int64_t now_ns);
  void SendAgainFrom(uint64_t sequence, int64_t now_ns);

  const SendLog* const log_;
  bool peer_reads_memory_ = false;  // that this end writes

  uint64_t next_ = 1;  // the next sequence number to send
  uint64_t highest_sent_ = 0;
  uint64_t acknowledged_ = 0;
  uint64_t window_bytes_ = 0;
  uint64_t in_flight_bytes_ = 0;  // of acknowledged_ + 1 … next_ - 1
  uint64_t resent_messages_ = 0;
  uint64_t peer_flows_ = 0;
  TimeNs watermark_ns_ = kTimeMin;
  TimeNs told_watermark_ns_ = kTimeMin;
  int64_t last_resend_ns_ = 0;
  int64_t stalled_since_ns_ = 0;
};

}  // namespace flowstitch

#endif  // FLOWSTITCH_TRANSPORT_LINK_LINK_SENDER_H_
