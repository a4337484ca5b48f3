// The reassembler's side of the links to its captures: one ROUTER socket, a LinkReceiver for each
// source. Peers are known by name (peer_table.h); a name that comes back with another epoch is the
// same source restarted.
#ifndef FLOWSTITCH_TRANSPORT_ROUTER_RECEIVER_H_
#define FLOWSTITCH_TRANSPORT_ROUTER_RECEIVER_H_

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "transport/link/delivery.h"
#include "transport/link/link_receiver.h"
#include "transport/peer_table.h"
#include "transport/socket.h"

namespace flowstitch {

class RouterReceiver : private PeerTable::Owner {
 public:
  // Gets every batch and End of a peer in order, once.
  using Taker = std::function<void(size_t peer, std::shared_ptr<Delivery>)>;

  RouterReceiver(Socket socket, const LinkIdentity& self, wire::Role peer_role,
                 uint64_t window_bytes);

  // Reads what has come and sends what may go; never blocks.
  void Service(int64_t now_ns, const Taker& take);
  // Only the latter: what was finished with since then.
  void SendAll(int64_t now_ns);
  // A batch or End that came of the peer is finished with.
  void Finish(size_t peer, const Delivery& delivery) {
    links_[peer]->Finish(delivery.sender(), delivery.message().sequence(), delivery.wire_size());
  }
  // What the peer sent contradicts the contract: it is refused.
  void Contradicts(size_t peer, const std::string& why) { links_[peer]->Contradicts(why); }
  // Whether all peers of which `ended` is true may be left; see LinkReceiver.
  bool MayGo(int64_t now_ns, const std::function<bool(size_t peer)>& ended);
  void set_flows(uint64_t flows);

  // Peers are numbered from 0 without a hole. The number of one that was forgotten goes to another
  // one: then its generation is another, and the former link stays until the next Service.
  size_t peers() const { return links_.size(); }
  const LinkReceiver& link(size_t peer) const { return *links_[peer]; }
  uint32_t generation(size_t peer) const { return table_.peers()[peer].generation; }

  uint64_t refused_peers() const { return table_.refused(); }
  uint64_t forgotten_peers() const { return table_.forgotten(); }
  Socket& socket() { return *socket_; }

 private:
  LinkEnd* MakeLink(size_t slot) override;
  bool MayForget(size_t slot) const override;
  bool MayRestart(size_t slot) const override;

  const LinkIdentity self_;
  const wire::Role peer_role_;
  const uint64_t window_bytes_;
  std::unique_ptr<Socket> socket_;
  std::vector<std::unique_ptr<LinkReceiver>> links_;  // by slot
  // Links whose slot was given to another one since the last Service: their figures are still
  // wanted.
  std::vector<std::unique_ptr<LinkReceiver>> replaced_;
  PeerTable table_;
};

}  // namespace flowstitch

#endif  // FLOWSTITCH_TRANSPORT_ROUTER_RECEIVER_H_
