#include "transport/connection_guard.h"

#include <sys/resource.h>
#include <sys/socket.h>

#include <algorithm>
#include <atomic>
#include <cstring>
#include <string>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "transport/link_limits.h"

namespace flowstitch {
namespace {

// How often it looks for connections that are too late.
constexpr int64_t kLookNs = kNsPerSecond / 4;
// What a refused peer is told has gone out by then.
constexpr int64_t kLastWordNs = kNsPerSecond;

// Half of the descriptors stay for everything else.
size_t MostConnections() {
  rlimit limit = {};
  if (getrlimit(RLIMIT_NOFILE, &limit) != 0) return kMaxConnections;
  return std::min<size_t>(kMaxConnections, limit.rlim_cur / 2);
}

// An event of zmq_socket_monitor(3): 16 bits say which, 32 bits are its value.
struct Event {
  uint16_t event = 0;
  int32_t value = 0;
};

bool ReadEvent(zmq::socket_t& socket, Event* event) {
  zmq::message_t what;
  zmq::message_t where;
  if (!socket.recv(what, zmq::recv_flags::dontwait)) return false;
  if (what.more() && !socket.recv(where, zmq::recv_flags::dontwait)) return false;
  *event = {};
  if (what.size() < sizeof(event->event) + sizeof(event->value)) return true;
  const auto* bytes = static_cast<const char*>(what.data());
  std::memcpy(&event->event, bytes, sizeof(event->event));
  std::memcpy(&event->value, bytes + sizeof(event->event), sizeof(event->value));
  return true;
}

}  // namespace

absl::StatusOr<std::unique_ptr<ConnectionGuard>> ConnectionGuard::Watch(zmq::context_t& context,
                                                                        zmq::socket_t& socket) {
  static std::atomic<uint64_t> number{0};
  const std::string endpoint = absl::StrCat("inproc://flowstitch.connections.", ++number);
  try {
    zmq::socket_t events(context, zmq::socket_type::pair);
    events.set(zmq::sockopt::rcvhwm, 0);  // or ZeroMQ's own thread would wait for us
    events.set(zmq::sockopt::linger, 0);
    const int wanted = ZMQ_EVENT_ACCEPTED | ZMQ_EVENT_DISCONNECTED;
    if (zmq_socket_monitor(socket.handle(), endpoint.c_str(), wanted) != 0) throw zmq::error_t();
    events.connect(endpoint);
    return std::unique_ptr<ConnectionGuard>(
        new ConnectionGuard(socket.handle(), std::move(events), MostConnections()));
  } catch (const zmq::error_t& error) {
    return absl::ResourceExhaustedError(
        absl::StrFormat("cannot watch a ZeroMQ socket: %s", error.what()));
  }
}

ConnectionGuard::~ConnectionGuard() {
  zmq_socket_monitor(watched_, nullptr, 0);  // before the other end is closed
}

void ConnectionGuard::Shut(int fd, Connection* connection) {
  if (connection->closing) return;
  connection->closing = true;
  ++closed_;
  // ZeroMQ, whose descriptor it is, finds the end of its input and closes it.
  shutdown(fd, SHUT_RDWR);
}

void ConnectionGuard::OnAccepted(int fd, int64_t now_ns) {
  if (const auto former = connections_.find(fd);
      former == connections_.end() || former->second.admitted) {
    ++strangers_;
  }
  connections_[fd] = Connection{now_ns};
  if (connections_.size() <= most_) return;
  // Whoever has something to say has said it: the oldest of the silent ones goes.
  auto oldest = connections_.end();
  for (auto it = connections_.begin(); it != connections_.end(); ++it) {
    if (it->second.admitted || it->second.closing) continue;
    if (oldest == connections_.end() || it->second.since_ns < oldest->second.since_ns) oldest = it;
  }
  if (oldest != connections_.end()) Shut(oldest->first, &oldest->second);
}

// A connection's own events come before its messages: whoever asks for one knows of it after this.
void ConnectionGuard::Learn(int64_t now_ns) {
  Event event;
  try {
    while (ReadEvent(events_, &event)) {
      if (event.event == ZMQ_EVENT_ACCEPTED) OnAccepted(event.value, now_ns);
      if (event.event != ZMQ_EVENT_DISCONNECTED) continue;
      const auto gone = connections_.find(event.value);
      if (gone == connections_.end()) continue;
      if (!gone->second.admitted) --strangers_;
      connections_.erase(gone);
    }
  } catch (const zmq::error_t&) {
    return;  // the context ends
  }
}

void ConnectionGuard::Service(int64_t now_ns) {
  Learn(now_ns);
  if (strangers_ == 0 || now_ns - looked_ns_ < kLookNs) return;
  looked_ns_ = now_ns;
  for (auto& [fd, connection] : connections_) {
    if (!connection.admitted && now_ns - connection.since_ns > kHelloTimeoutNs) {
      Shut(fd, &connection);
    }
  }
}

void ConnectionGuard::Admit(int fd, int64_t now_ns) {
  Learn(now_ns);
  const auto it = connections_.find(fd);
  if (it == connections_.end() || it->second.admitted) return;
  it->second.admitted = true;
  --strangers_;
}

bool ConnectionGuard::IsOpen(int fd, int64_t now_ns) {
  Learn(now_ns);
  return connections_.contains(fd);
}

void ConnectionGuard::CloseSoon(int fd, int64_t now_ns) {
  Learn(now_ns);
  const auto it = connections_.find(fd);
  if (it == connections_.end()) return;
  if (it->second.admitted) ++strangers_;
  it->second.admitted = false;
  it->second.since_ns = now_ns - kHelloTimeoutNs + kLastWordNs;
}

}  // namespace flowstitch
