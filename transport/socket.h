// A ZeroMQ socket with our options set, and its failures as absl::Status. Queues inside ZeroMQ are
// without limit: the link's window bounds what is under way, and its log what waits.
#ifndef FLOWSTITCH_TRANSPORT_SOCKET_H_
#define FLOWSTITCH_TRANSPORT_SOCKET_H_

#include <memory>
#include <optional>
#include <string>
#include <vector>
#include <zmq.hpp>

#include "absl/status/statusor.h"
#include "transport/connection_guard.h"
#include "transport/endpoint.h"
#include "transport/link/delivery.h"
#include "transport/link/hello.h"
#include "transport/link/wire_message.h"
#include "transport/link_security.h"

namespace flowstitch {

// The descriptor of the connection that a message came by; -1 within the process.
int ConnectionOf(const zmq::message_t& message);

class Socket {
 public:
  // Binds or connects to every endpoint; the error names the one that failed and why. Peers must
  // have a key that may act as `peer_role`, where there are keys; `security` outlives the socket.
  static absl::StatusOr<Socket> Open(zmq::context_t& context, zmq::socket_type type,
                                     const std::vector<SocketEndpoint>& endpoints,
                                     const LinkSecurity& security, std::string_view peer_role);

  // False when the message could not be queued (the peer is gone); the link sends it again.
  bool Send(const WireMessage& message);
  bool SendParts(std::string_view first, const WireMessage& second);
  // The next message, or nothing when none is there. What comes from a key that is not allowed any
  // more is passed over.
  std::optional<zmq::message_t> Receive();
  // As Receive, for messages of two parts; ones of another shape are dropped.
  struct Parts {
    std::string first;
    zmq::message_t second;

    // The public key of its sender; empty where there are no keys.
    std::string key() const;
    int connection() const { return ConnectionOf(second); }
  };
  std::optional<Parts> ReceiveParts();

  // Of a SUB socket.
  void Subscribe(std::string_view prefix);

  // Whether it can reach only this process: batches are handed over as they are.
  bool in_process() const { return in_process_; }
  // Who this end is to peers that come by it.
  LinkIdentity Introduce(LinkIdentity self) const {
    self.in_process = in_process_;
    return self;
  }
  // Of a ROUTER or XPUB that reaches beyond the process; otherwise null.
  ConnectionGuard* connections() { return connections_.get(); }
  // Null where nothing is protected.
  KeyGuard* keys() const { return guard_; }
  // For zmq::poll.
  zmq::pollitem_t poll_item() { return {socket_.handle(), 0, ZMQ_POLLIN, 0}; }
  // The address after a bind to a wildcard port, or the endpoint as given.
  const std::string& bound_address() const { return bound_address_; }

 private:
  Socket(zmq::socket_t socket, KeyGuard* guard, std::string_view peer_role)
      : socket_(std::move(socket)), guard_(guard), peer_role_(peer_role) {}
  // As it comes, whoever it is from.
  std::optional<zmq::message_t> ReceivePart();
  // Whether the sender's key is still among the allowed ones.
  bool IsFromAllowed(const zmq::message_t& message);

  zmq::socket_t socket_;
  std::unique_ptr<ConnectionGuard> connections_;  // ends before the socket
  KeyGuard* guard_;
  std::string peer_role_;
  std::string bound_address_;
  bool in_process_ = false;
};

// What a message that came over the socket brought. `memories`: see Delivery.
std::shared_ptr<Delivery> Deliver(const Socket& socket, zmq::message_t message,
                                  const SharedMemories& memories);

// Waits until one of the sockets can be read, `extra_fd` (if not negative) can, or the time is
// over. False when a signal came in between.
bool WaitForInput(const std::vector<Socket*>& sockets, int extra_fd, int timeout_ms);

}  // namespace flowstitch

#endif  // FLOWSTITCH_TRANSPORT_SOCKET_H_
