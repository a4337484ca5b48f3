// The reassembler's side of the links to its sinks: one ROUTER socket, one log of messages, a
// LinkSender for each sink. A message is forgotten when every sink that is or was there has
// finished with it, so a sink that was restarted goes on where it stood.
#ifndef FLOWSTITCH_TRANSPORT_ROUTER_SENDER_H_
#define FLOWSTITCH_TRANSPORT_ROUTER_SENDER_H_

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "transport/link/link_sender.h"
#include "transport/link/send_log.h"
#include "transport/peer_table.h"
#include "transport/socket.h"

namespace flowstitch {

class RouterSender : private PeerTable::Owner {
 public:
  RouterSender(Socket socket, const LinkIdentity& self, wire::Role peer_role, size_t buffer_bytes);

  uint64_t next_sequence() const { return log_.next_sequence(); }
  bool full() const { return log_.full(); }
  size_t buffered_bytes() const { return log_.bytes(); }
  void Append(WireMessage message) { log_.Append(std::move(message)); }
  // The End.
  void AppendLast(WireMessage message) {
    log_.Append(std::move(message));
    log_.Close();
  }

  // Reads what has come and sends what may go; never blocks.
  void Service(int64_t now_ns);
  // True when there is a sink and every one has finished with everything.
  bool drained() const;

  // Sinks that are or were there.
  size_t peers() const;
  // Whether one of them is there.
  bool reached() const;
  void ForEach(
      const std::function<void(const std::string& name, const LinkSender& link)>& look) const;

  uint64_t refused_peers() const { return table_.refused(); }
  uint64_t forgotten_peers() const { return table_.forgotten(); }
  Socket& socket() { return *socket_; }

 private:
  LinkEnd* MakeLink(size_t slot) override;
  bool MayForget(size_t /*slot*/) const override { return true; }
  bool MayRestart(size_t /*slot*/) const override { return true; }
  void Receive(const Socket::Parts& parts, int64_t now_ns);
  void NameStalled(int64_t now_ns);

  const LinkIdentity self_;
  const wire::Role peer_role_;
  SendLog log_;
  std::unique_ptr<Socket> socket_;
  std::vector<std::unique_ptr<LinkSender>> links_;  // by slot; null: it has no peer
  PeerTable table_;
  LogLimit stalled_;
  int64_t stall_told_ns_ = 0;
};

}  // namespace flowstitch

#endif  // FLOWSTITCH_TRANSPORT_ROUTER_SENDER_H_
