// Links of the ends that dial: a capture that sends, a sink that receives. One DEALER socket, one
// peer.
#ifndef FLOWSTITCH_TRANSPORT_DEALER_LINK_H_
#define FLOWSTITCH_TRANSPORT_DEALER_LINK_H_

#include <functional>
#include <memory>
#include <string>

#include "absl/status/status.h"
#include "transport/link/delivery.h"
#include "transport/link/link_receiver.h"
#include "transport/link/link_sender.h"
#include "transport/link/send_log.h"
#include "transport/link_log.h"
#include "transport/link_messages.h"
#include "transport/log_limit.h"
#include "transport/socket.h"

namespace flowstitch {

// What both have in common: one peer at the other end of a socket.
class DealerEnd {
 public:
  // `who`: this end, as the log calls it.
  DealerEnd(const char* who, Socket socket) : who_(who), socket_(std::move(socket)) {}

  Socket& socket() { return socket_; }
  // Sends what the link has to say, and says in the log what has changed. An error when the peer
  // refused, or was refused.
  absl::Status SendAndTell(LinkEnd* link, int64_t now_ns);

 private:
  const char* const who_;
  Socket socket_;
  LinkState logged_state_ = LinkState::kWaiting;
  LogLimit states_;
  WaitNotice waits_;
};

class SendingDealer {
 public:
  SendingDealer(Socket socket, LinkIdentity self, wire::Role peer_role, size_t buffer_bytes);

  uint64_t next_sequence() const { return log_.next_sequence(); }
  bool full() const { return log_.full(); }
  size_t buffered_bytes() const { return log_.bytes(); }
  // `frames`: how many it carries.
  void Append(WireMessage message, uint64_t frames) { log_.Append(std::move(message), frames); }
  // The End.
  void AppendLast(WireMessage message) {
    log_.Append(std::move(message));
    log_.Close();
  }
  void set_watermark_ns(TimeNs watermark_ns) { sender_.set_watermark_ns(watermark_ns); }

  // Reads what has come and sends what may go; never blocks. An error when the peer refused.
  absl::Status Service(int64_t now_ns);
  // True when the peer is finished with everything appended.
  bool drained() const { return sender_.acknowledged() == log_.last_sequence(); }

  Socket& socket() { return end_.socket(); }
  const LinkSender& core() const { return sender_; }

 private:
  DealerEnd end_;
  SendLog log_;
  LinkSender sender_;
};

class ReceivingDealer {
 public:
  // Gets every batch and End, in order, once.
  using Taker = std::function<void(std::shared_ptr<Delivery>)>;

  ReceivingDealer(Socket socket, LinkIdentity self, wire::Role peer_role, uint64_t window_bytes);

  absl::Status Service(int64_t now_ns, const Taker& take);
  // A message that came is finished with.
  void Finish(const Delivery& delivery) {
    receiver_.Finish(delivery.sender(), delivery.message().sequence(), delivery.wire_size());
  }
  // What the peer sent contradicts the contract: it is refused, and the next Service says so.
  void Contradicts(const std::string& why) { receiver_.Contradicts(why); }
  // See LinkReceiver.
  bool MayGo(int64_t now_ns) { return receiver_.MayGo(now_ns); }

  Socket& socket() { return end_.socket(); }
  const LinkReceiver& core() const { return receiver_; }

 private:
  DealerEnd end_;
  LinkReceiver receiver_;
};

}  // namespace flowstitch

#endif  // FLOWSTITCH_TRANSPORT_DEALER_LINK_H_
