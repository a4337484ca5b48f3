// The reassembler's side of the links to its captures: one ROUTER socket, a LinkReceiver for each
// source. Peers are known by name; a name that comes back with another epoch is the same source
// restarted.
#ifndef FLOWSTITCH_TRANSPORT_ROUTER_RECEIVER_H_
#define FLOWSTITCH_TRANSPORT_ROUTER_RECEIVER_H_

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "transport/delivery.h"
#include "transport/link_receiver.h"
#include "transport/log_limit.h"
#include "transport/socket.h"

namespace flowstitch {

class RouterReceiver {
 public:
  struct Peer {
    std::string route;  // ZeroMQ's name of the connection
    std::unique_ptr<LinkReceiver> link;
    LinkState logged_state = LinkState::kWaiting;
    int64_t claimed_ns = 0;  // when another process first asked for this name
  };
  // Gets every batch and End of a peer in order, once. `peer` is an index into peers().
  using Taker = std::function<void(size_t peer, std::shared_ptr<Delivery>)>;

  RouterReceiver(Socket socket, LinkIdentity self, wire::Role peer_role, uint64_t window_bytes);

  // Reads what has come and sends what may go; never blocks.
  void Service(int64_t now_ns, const Taker& take);
  // Only the latter: what was finished with since then.
  void SendAll(int64_t now_ns);
  void Finish(size_t peer, uint64_t sequence, size_t bytes) {
    peers_[peer]->link->Finish(sequence, bytes);
  }
  // Whether all peers of which `ended` is true may be left; see LinkReceiver.
  bool MayGo(int64_t now_ns, const std::function<bool(size_t peer)>& ended);
  void set_flows(uint64_t flows);

  const std::vector<std::unique_ptr<Peer>>& peers() const { return peers_; }
  uint64_t refused_peers() const { return refused_peers_; }
  Socket& socket() { return socket_; }

 private:
  Peer* OnStranger(const std::string& route, const wire::LinkMessage& message, int64_t now_ns);
  void Refuse(const std::string& route, const wire::Refusal& refusal);

  Socket socket_;
  const LinkIdentity self_;
  const wire::Role peer_role_;
  const uint64_t window_bytes_;
  std::vector<std::unique_ptr<Peer>> peers_;
  absl::flat_hash_map<std::string, size_t> by_route_;
  absl::flat_hash_map<std::string, size_t> by_name_;
  uint64_t refused_peers_ = 0;
  LogLimit refusals_;
  LogLimit unusable_;
};

}  // namespace flowstitch

#endif  // FLOWSTITCH_TRANSPORT_ROUTER_RECEIVER_H_
