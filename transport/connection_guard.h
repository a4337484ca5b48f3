// The connections of one socket, as ZeroMQ's monitor tells of them: how many there are, and
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
  // One connection for good: descriptors are used again, numbers are not.
  struct Id {
    int fd = -1;
    uint64_t number = 0;  // 0: none that the guard knows
    friend bool operator==(const Id&, const Id&) = default;
  };

  // To be made before the socket binds. The socket, which may be moved, outlives the guard. `most`
  // connections, and no more than a quarter of the process's descriptors.
  static absl::StatusOr<std::unique_ptr<ConnectionGuard>> Watch(zmq::context_t& context,
                                                                zmq::socket_t& socket, size_t most);
  ~ConnectionGuard();
  ConnectionGuard(const ConnectionGuard&) = delete;
  ConnectionGuard& operator=(const ConnectionGuard&) = delete;

  // Learns what has happened, and closes what is too many or too late; never blocks. Before the
  // messages of the same moment are looked at.
  void Service(int64_t now_ns);
  // The connection that has the descriptor now, which comes with every message.
  Id Find(int fd, int64_t now_ns);
  // It said a Hello that was accepted.
  void Admit(Id id);
  // It is as one that has not said Hello: it has the time of such a one to say it (again).
  void Withdraw(Id id, int64_t now_ns);
  // Closes it in a moment, when what was said to it last has gone out; it is not listened to.
  void CloseSoon(Id id, int64_t now_ns);
  // At once.
  void CloseNow(Id id);
  // Whether it was told to be closed.
  bool IsLeaving(Id id) const;
  // Whether it is there: false once its end, or the network's, was noticed.
  bool IsOpen(Id id, int64_t now_ns);
  // Counts for whoever closes it when it asks for too much: how often this was called for it.
  size_t Count(Id id);

  size_t connections() const { return connections_.size(); }
  // Closed here: too many, too late, refused.
  uint64_t closed() const { return closed_; }

 private:
  struct Connection {
    uint64_t number = 0;
    int64_t since_ns = 0;
    bool admitted = false;
    bool leaving = false;
    bool closing = false;
    size_t count = 0;
  };
  ConnectionGuard(void* watched, zmq::socket_t events, size_t most)
      : watched_(watched), events_(std::move(events)), most_(most) {}

  void Learn(int64_t now_ns);
  void OnAccepted(int fd, int64_t now_ns);
  void OnConnected(int fd, int64_t now_ns);
  void OnGone(int fd);
  void SetAdmitted(Connection* connection, bool admitted);
  void Shut(int fd, Connection* connection);
  Connection* Known(Id id);

  void* const watched_;
  zmq::socket_t events_;
  const size_t most_;
  absl::flat_hash_map<int, Connection> connections_;  // by descriptor
  uint64_t last_number_ = 0;
  size_t strangers_ = 0;  // without a Hello
  int64_t looked_ns_ = 0;
  uint64_t closed_ = 0;
};

}  // namespace flowstitch

#endif  // FLOWSTITCH_TRANSPORT_CONNECTION_GUARD_H_
