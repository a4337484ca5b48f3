#include "transport/connection_guard.h"

#include <sys/socket.h>

#include <algorithm>
#include <atomic>
#include <cstring>
#include <string>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "base/descriptors.h"
#include "transport/link/link_limits.h"

namespace flowstitch {
namespace {

// How often it looks for connections that are too late.
constexpr int64_t kLookNs = kNsPerSecond / 4;
// What a refused peer is told has gone out by then.
constexpr int64_t kLastWordNs = kNsPerSecond;

// A process binds two such endpoints and taps; the rest stays for everything else.
size_t WithinDescriptors(size_t most) {
  return std::min(most, static_cast<size_t>(std::max(RaiseDescriptorLimit(), 4)) / 4);
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
                                                                        zmq::socket_t& socket,
                                                                        size_t most) {
  static std::atomic<uint64_t> number{0};
  const std::string endpoint = absl::StrCat("inproc://flowstitch.connections.", ++number);
  try {
    zmq::socket_t events(context, zmq::socket_type::pair);
    events.set(zmq::sockopt::rcvhwm, 0);  // or ZeroMQ's own thread would wait for us
    events.set(zmq::sockopt::linger, 0);
    const int wanted = ZMQ_EVENT_ACCEPTED | ZMQ_EVENT_CONNECTED | ZMQ_EVENT_DISCONNECTED;
    if (zmq_socket_monitor(socket.handle(), endpoint.c_str(), wanted) != 0) throw zmq::error_t();
    events.connect(endpoint);
    return std::unique_ptr<ConnectionGuard>(
        new ConnectionGuard(socket.handle(), std::move(events), WithinDescriptors(most)));
  } catch (const zmq::error_t& error) {
    return absl::ResourceExhaustedError(
        absl::StrFormat("cannot watch a ZeroMQ socket: %s", error.what()));
  }
}

ConnectionGuard::~ConnectionGuard() {
  zmq_socket_monitor(watched_, nullptr, 0);  // before the other end is closed
}

ConnectionGuard::Connection* ConnectionGuard::Known(Id id) {
  const auto it = connections_.find(id.fd);
  return it == connections_.end() || it->second.number != id.number ? nullptr : &it->second;
}

void ConnectionGuard::SetAdmitted(Connection* connection, bool admitted) {
  if (connection->admitted == admitted) return;
  connection->admitted = admitted;
  strangers_ += admitted ? size_t(-1) : 1;
}

void ConnectionGuard::Shut(int fd, Connection* connection) {
  if (connection->closing) return;
  connection->closing = true;
  ++closed_;
  // ZeroMQ, whose descriptor it is, finds the end of its input and closes it.
  shutdown(fd, SHUT_RDWR);
}

void ConnectionGuard::OnGone(int fd) {
  const auto gone = connections_.find(fd);
  if (gone == connections_.end()) return;
  if (!gone->second.admitted) --strangers_;
  connections_.erase(gone);
}

void ConnectionGuard::OnAccepted(int fd, int64_t now_ns) {
  OnGone(fd);
  connections_[fd] = {++last_number_, now_ns};
  ++strangers_;
  if (connections_.size() <= most_) return;
  // Whoever has something to say has said it: the oldest of the silent ones goes.
  auto oldest = connections_.end();
  for (auto it = connections_.begin(); it != connections_.end(); ++it) {
    if (it->second.admitted || it->second.closing) continue;
    if (oldest == connections_.end() || it->second.since_ns < oldest->second.since_ns) oldest = it;
  }
  if (oldest != connections_.end()) Shut(oldest->first, &oldest->second);
}

// We asked for it: whoever is at its other end has all the time of the world to say Hello.
void ConnectionGuard::OnConnected(int fd, int64_t now_ns) {
  OnGone(fd);
  connections_[fd] = {++last_number_, now_ns, /*admitted=*/true};
}

// A connection's own events come before its messages: whoever asks for one knows of it after this.
void ConnectionGuard::Learn(int64_t now_ns) {
  Event event;
  try {
    while (ReadEvent(events_, &event)) {
      if (event.event == ZMQ_EVENT_ACCEPTED) OnAccepted(event.value, now_ns);
      if (event.event == ZMQ_EVENT_CONNECTED) OnConnected(event.value, now_ns);
      if (event.event == ZMQ_EVENT_DISCONNECTED) OnGone(event.value);
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

ConnectionGuard::Id ConnectionGuard::Find(int fd, int64_t now_ns) {
  Learn(now_ns);
  const auto it = connections_.find(fd);
  return {fd, it == connections_.end() ? 0 : it->second.number};
}

void ConnectionGuard::Admit(Id id) {
  if (Connection* connection = Known(id)) SetAdmitted(connection, true);
}

void ConnectionGuard::Withdraw(Id id, int64_t now_ns) {
  Connection* connection = Known(id);
  if (connection == nullptr || connection->leaving) return;
  SetAdmitted(connection, false);
  connection->since_ns = now_ns;
}

void ConnectionGuard::CloseSoon(Id id, int64_t now_ns) {
  Learn(now_ns);
  Connection* connection = Known(id);
  if (connection == nullptr || connection->leaving) return;
  SetAdmitted(connection, false);
  connection->leaving = true;
  connection->since_ns = now_ns - kHelloTimeoutNs + kLastWordNs;
}

void ConnectionGuard::CloseNow(Id id) {
  if (Connection* connection = Known(id)) Shut(id.fd, connection);
}

bool ConnectionGuard::IsLeaving(Id id) const {
  const auto it = connections_.find(id.fd);
  return it != connections_.end() && it->second.number == id.number && it->second.leaving;
}

bool ConnectionGuard::IsOpen(Id id, int64_t now_ns) {
  Learn(now_ns);
  return Known(id) != nullptr;
}

size_t ConnectionGuard::Count(Id id) {
  Connection* connection = Known(id);
  return connection == nullptr ? 0 : ++connection->count;
}

}  // namespace flowstitch
