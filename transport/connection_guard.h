// The connections to one bound endpoint, as ZeroMQ's monitor tells of them: how many there are, and
// which have not said a Hello. ZeroMQ limits neither, so the guard closes those that are too many
// or too late, and keeps descriptors for the rest of the process.
#ifndef FLOWSTITCH_TRANSPORT_CONNECTION_GUARD_H_
#define FLOWSTITCH_TRANSPORT_CONNECTION_GUARD_H_

#include <cstdint>
#include <memory>
#include <utility>
#include <zmq.hpp>

#include "absl/container/flat_hash_map.h"
#include "absl/status/statusor.h"

namespace flowstitch {

class ConnectionGuard {
 public:
  // To be made before the socket binds. The socket, which may be moved, outlives the guard.
  static absl::StatusOr<std::unique_ptr<ConnectionGuard>> Watch(zmq::context_t& context,
                                                                zmq::socket_t& socket);
  ~ConnectionGuard();
  ConnectionGuard(const ConnectionGuard&) = delete;
  ConnectionGuard& operator=(const ConnectionGuard&) = delete;

  // Learns what has happened, and closes what is too many or too late; never blocks. Before the
  // messages of the same moment are looked at.
  void Service(int64_t now_ns);
  // The connection (its descriptor, which comes with every message) said a Hello that was accepted.
  void Admit(int fd, int64_t now_ns);
  // Closes it in a moment, when what was said to it last has gone out. A descriptor that is none of
  // the connections is left alone.
  void CloseSoon(int fd, int64_t now_ns);
  // Whether it is there: false once its end, or the network's, was noticed.
  bool IsOpen(int fd, int64_t now_ns);

  size_t connections() const { return connections_.size(); }
  // Closed here: too many, too late, refused.
  uint64_t closed() const { return closed_; }

 private:
  struct Connection {
    int64_t since_ns = 0;
    bool admitted = false;
    bool closing = false;
  };
  ConnectionGuard(void* watched, zmq::socket_t events, size_t most)
      : watched_(watched), events_(std::move(events)), most_(most) {}

  void Learn(int64_t now_ns);
  void OnAccepted(int fd, int64_t now_ns);
  void Shut(int fd, Connection* connection);

  void* const watched_;
  zmq::socket_t events_;
  const size_t most_;
  absl::flat_hash_map<int, Connection> connections_;
  size_t strangers_ = 0;  // without a Hello
  int64_t looked_ns_ = 0;
  uint64_t closed_ = 0;
};

}  // namespace flowstitch

#endif  // FLOWSTITCH_TRANSPORT_CONNECTION_GUARD_H_
