// The reassembler's side of the links to its sinks: one ROUTER socket, one log of messages, a
// LinkSender for each sink. A message is forgotten when every sink that is or was there has
// finished with it, so a sink that was restarted goes on where it stood.
#ifndef FLOWSTITCH_TRANSPORT_ROUTER_SENDER_H_
#define FLOWSTITCH_TRANSPORT_ROUTER_SENDER_H_

#include <memory>
#include <string>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "transport/link_sender.h"
#include "transport/log_limit.h"
#include "transport/send_log.h"
#include "transport/socket.h"

namespace flowstitch {

class RouterSender {
 public:
  struct Peer {
    std::string route;
    std::string name;
    std::unique_ptr<LinkSender> link;
    LinkState logged_state = LinkState::kWaiting;
    int64_t claimed_ns = 0;
  };

  RouterSender(Socket socket, LinkIdentity self, wire::Role peer_role, size_t buffer_bytes);

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

  const std::vector<std::unique_ptr<Peer>>& peers() const { return peers_; }
  uint64_t refused_peers() const { return refused_peers_; }
  Socket& socket() { return socket_; }

 private:
  Peer* OnStranger(const std::string& route, const wire::LinkMessage& message, int64_t now_ns);
  void Refuse(const std::string& route, const wire::Refusal& refusal);

  Socket socket_;
  const LinkIdentity self_;
  const wire::Role peer_role_;
  SendLog log_;
  std::vector<std::unique_ptr<Peer>> peers_;
  absl::flat_hash_map<std::string, Peer*> by_route_;
  absl::flat_hash_map<std::string, Peer*> by_name_;
  uint64_t refused_peers_ = 0;
  LogLimit refusals_;
};

}  // namespace flowstitch

#endif  // FLOWSTITCH_TRANSPORT_ROUTER_SENDER_H_
