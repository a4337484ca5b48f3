// The sending half of a link towards one peer, without I/O: LinkMessages and steady time in,
// messages to send out. Go-back-N: the peer takes messages in order only, and what it misses is
// sent again from there. Never more than the peer's window is under way. The messages live in a
// SendLog that several senders (one for each sink) share.
#ifndef FLOWSTITCH_TRANSPORT_LINK_SENDER_H_
#define FLOWSTITCH_TRANSPORT_LINK_SENDER_H_

#include <cstdint>
#include <deque>
#include <optional>
#include <string>

#include "base/capture_time.h"
#include "proto/link.pb.h"
#include "transport/hello.h"
#include "transport/send_log.h"

namespace flowstitch {

enum class LinkState {
  kWaiting,  // no Hello from the peer so far
  kOpen,
  kLost,     // silent beyond the time-out; goes on when it speaks again
  kRefused,  // by either side; final
};

class LinkSender {
 public:
  // `dials`: this end says Hello first. `peer_role`: who must be at the other end.
  // `log` outlives the sender.
  LinkSender(LinkIdentity self, wire::Role peer_role, bool dials, const SendLog* log);

  // A message from the peer. Batches are not for a sender and are ignored.
  void Receive(const wire::LinkMessage& message, int64_t now_ns);

  // What to put on the wire next, or nothing. To be called until it gives nothing, after every
  // Receive, after an Append to the log, and every few ms.
  std::optional<WireMessage> NextToSend(int64_t now_ns);

  // Nothing that is appended from now on is older than this; the next Heartbeat says so.
  void set_watermark_ns(TimeNs watermark_ns) { watermark_ns_ = watermark_ns; }

  LinkState state() const { return state_; }
  const std::string& refusal() const { return refusal_; }
  const std::string& peer_name() const { return peer_name_; }
  uint64_t peer_epoch() const { return peer_epoch_; }
  int64_t last_heard_ns() const { return last_heard_ns_; }
  // The last sequence number the peer is finished with.
  uint64_t acknowledged() const { return acknowledged_; }
  // What the peer takes beyond what is under way.
  uint64_t credit_bytes() const {
    return window_bytes_ > in_flight_bytes_ ? window_bytes_ - in_flight_bytes_ : 0;
  }
  uint64_t resent_messages() const { return resent_messages_; }
  // Flows the peer said it knows of.
  uint64_t peer_flows() const { return peer_flows_; }

 private:
  void OnHello(const wire::Hello& hello, int64_t now_ns);
  void OnAcknowledgement(const wire::Acknowledgement& ack, int64_t now_ns);
  void QueueHello(int64_t now_ns);
  void Queue(const wire::LinkMessage& message);

  const LinkIdentity self_;
  const wire::Role peer_role_;
  const bool dials_;
  const SendLog* const log_;

  LinkState state_ = LinkState::kWaiting;
  std::string refusal_;
  std::string peer_name_;
  uint64_t peer_epoch_ = 0;
  bool peer_reads_memory_ = false;  // that this end writes
  std::deque<WireMessage> control_;

  uint64_t next_ = 1;  // the next sequence number to send
  uint64_t highest_sent_ = 0;
  uint64_t acknowledged_ = 0;
  uint64_t window_bytes_ = 0;
  uint64_t in_flight_bytes_ = 0;  // of acknowledged_ + 1 … next_ - 1
  uint64_t resent_messages_ = 0;
  uint64_t peer_flows_ = 0;
  TimeNs watermark_ns_ = kTimeMin;
  TimeNs told_watermark_ns_ = kTimeMin;

  int64_t last_heard_ns_ = 0;
  int64_t last_said_ns_ = 0;
  int64_t last_hello_ns_ = 0;
  int64_t last_resend_ns_ = 0;
  bool hello_said_ = false;
};

}  // namespace flowstitch

#endif  // FLOWSTITCH_TRANSPORT_LINK_SENDER_H_
