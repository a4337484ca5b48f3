#include "transport/socket.h"

#include <google/protobuf/stubs/logging.h>

#include <algorithm>
#include <chrono>
#include <cstring>

#include "absl/strings/str_format.h"
#include "transport/link/link_limits.h"
#include "transport/passed_sockets.h"

#if defined(__SANITIZE_THREAD__)
#include <sanitizer/tsan_interface.h>
#endif

namespace flowstitch {
namespace {

// ThreadSanitizer does not see the atomics inside libzmq: over inproc, the bytes of a shared
// message go from thread to thread by them.
void GiveToOtherThread([[maybe_unused]] const void* bytes) {
#if defined(__SANITIZE_THREAD__)
  __tsan_release(const_cast<void*>(bytes));
#endif
}

void TakeFromOtherThread([[maybe_unused]] const void* bytes) {
#if defined(__SANITIZE_THREAD__)
  __tsan_acquire(const_cast<void*>(bytes));
#endif
}

void FreeOwner(void* /*data*/, void* hint) {
  TakeFromOtherThread(hint);
  delete static_cast<std::shared_ptr<const void>*>(hint);
}

// Small messages are copied; a batch is shared with the socket until it has gone out.
constexpr size_t kShareFromBytes = 1024;

// What goes over inproc for a handed batch. The bytes in front are no beginning of a message.
struct Handle {
  char mark[8] = {0, 'h', 'a', 'n', 'd', 'e', 'd', 0};
  std::shared_ptr<const HandedBatch> batch;
};

void FreeHandle(void* data, void* /*hint*/) {
  TakeFromOtherThread(data);
  delete static_cast<Handle*>(data);
}

zmq::message_t MakeMessage(const WireMessage& message) {
  if (message.handed() != nullptr) {
    auto* handle = new Handle;
    handle->batch = message.handed();
    GiveToOtherThread(handle);
    return {handle, sizeof(Handle), FreeHandle, nullptr};
  }
  if (message.bytes().size() < kShareFromBytes) {
    zmq::message_t copy(message.bytes().data(), message.bytes().size());
    GiveToOtherThread(copy.data());
    return copy;
  }
  auto* hint = new std::shared_ptr<const void>(message.owner());
  GiveToOtherThread(hint);
  GiveToOtherThread(message.bytes().data());
  return {const_cast<uint8_t*>(message.bytes().data()), message.bytes().size(), FreeOwner, hint};
}

absl::Status Explain(const SocketEndpoint& endpoint, const zmq::error_t& error) {
  std::string why = error.what();
  if (error.num() == EADDRINUSE) why = "the address is in use by another process";
  if (error.num() == EADDRNOTAVAIL) why = "this machine does not have that address";
  if (error.num() == EACCES) why = "permission denied";
  if (error.num() == ENODEV) why = "no such interface or address on this machine";
  if (error.num() == ENOENT) why = "the directory of the socket does not exist";
  return absl::UnavailableError(absl::StrFormat(
      "cannot %s '%s': %s", endpoint.bind ? "bind" : "connect to", endpoint.address, why));
}

}  // namespace

absl::StatusOr<Socket> Socket::Open(zmq::context_t& context, zmq::socket_type type,
                                    const std::vector<SocketEndpoint>& endpoints,
                                    const LinkSecurity& security, std::string_view peer_role) {
  // What a stranger sends must not fill our log.
  google::protobuf::SetLogHandler(nullptr);
  try {
    Socket socket(zmq::socket_t(context, type), security.guard(), peer_role);
    zmq::socket_t& s = socket.socket_;
    s.set(zmq::sockopt::linger, 500);  // for the last acknowledgement before an exit
    s.set(zmq::sockopt::ipv6, true);
    s.set(zmq::sockopt::maxmsgsize, static_cast<int64_t>(kMaxMessageBytes));
    // Doubled up to the limit. On one host, the peer is often just being started.
    const bool on_host = std::all_of(endpoints.begin(), endpoints.end(), [](const auto& endpoint) {
      return endpoint.address.starts_with("ipc://");
    });
    s.set(zmq::sockopt::reconnect_ivl, on_host ? 5 : 100);
    s.set(zmq::sockopt::reconnect_ivl_max, 2000);
    // A slow consumer of a tap loses messages of its own; on a link nothing is lost.
    const bool of_tap = type == zmq::socket_type::xpub || type == zmq::socket_type::sub;
    socket.in_process_ = std::all_of(endpoints.begin(), endpoints.end(), [](const auto& endpoint) {
      return endpoint.address.starts_with("inproc://");
    });
    if (!of_tap) {
      // The link's windows bound what our own ends have under way; these, what a stranger has.
      const bool router = type == zmq::socket_type::router && !socket.in_process_;
      s.set(zmq::sockopt::sndhwm, router ? kMaxQueuedOut : 0);
      s.set(zmq::sockopt::rcvhwm, socket.in_process_ ? 0 : kMaxQueuedIn);
    }
    if (type == zmq::socket_type::xpub) {
      s.set(zmq::sockopt::xpub_verboser, 1);
      s.set(zmq::sockopt::sndhwm, kMaxQueuedToConsumer);
      // ZeroMQ takes in all subscriptions that are there before it gives us one: of a flood, few
      // are there at a time.
      s.set(zmq::sockopt::rcvhwm, kMaxSubscriptionsAtOnce);
      // Nothing comes but subscriptions, each a byte and a topic, and what CURVE says.
      s.set(zmq::sockopt::maxmsgsize, static_cast<int64_t>(kMaxSubscriptionBytes));
    }
    const bool to_many = type == zmq::socket_type::router || type == zmq::socket_type::xpub;
    if (to_many && !socket.in_process_) {
      const size_t most = of_tap ? kMaxConsumers : kMaxConnections;
      auto guard = ConnectionGuard::Watch(context, s, most);
      if (!guard.ok()) return guard.status();
      socket.connections_ = *std::move(guard);
    }
    for (const SocketEndpoint& endpoint : endpoints) {
      const absl::Status status = security.Protect(endpoint, peer_role, &s);
      if (!status.ok()) return status;
      try {
        if (endpoint.bind) {
          s.set(zmq::sockopt::use_fd, FindPassedSocket(endpoint.address));
          s.bind(endpoint.address);
          socket.bound_address_ = s.get(zmq::sockopt::last_endpoint);
        } else {
          s.connect(endpoint.address);
          socket.bound_address_ = endpoint.address;
        }
      } catch (const zmq::error_t& error) {
        return Explain(endpoint, error);
      }
    }
    return socket;
  } catch (const zmq::error_t& error) {
    return absl::ResourceExhaustedError(
        absl::StrFormat("cannot open a ZeroMQ socket: %s", error.what()));
  }
}

bool Socket::Send(const WireMessage& message) {
  try {
    return socket_.send(MakeMessage(message), zmq::send_flags::dontwait).has_value();
  } catch (const zmq::error_t&) {
    return false;
  }
}

bool Socket::SendParts(std::string_view first, const WireMessage& second) {
  try {
    if (!socket_.send(zmq::buffer(first), zmq::send_flags::dontwait | zmq::send_flags::sndmore)) {
      return false;
    }
    return socket_.send(MakeMessage(second), zmq::send_flags::dontwait).has_value();
  } catch (const zmq::error_t&) {
    return false;
  }
}

std::optional<zmq::message_t> Socket::ReceivePart() {
  try {
    zmq::message_t message;
    if (!socket_.recv(message, zmq::recv_flags::dontwait)) return std::nullopt;
    TakeFromOtherThread(message.data());
    return message;
  } catch (const zmq::error_t&) {
    return std::nullopt;
  }
}

void Socket::Subscribe(std::string_view prefix) {
  socket_.set(zmq::sockopt::subscribe, std::string(prefix));
}

bool Socket::IsFromAllowed(const zmq::message_t& message) {
  if (guard_ == nullptr) return true;
  // Only what came through a guarded endpoint has one.
  const char* key = zmq_msg_gets(const_cast<zmq_msg_t*>(message.handle()), "User-Id");
  return key == nullptr || *key == '\0' || guard_->StillAllowed(key, peer_role_);
}

std::string Socket::Parts::key() const {
  const char* key = zmq_msg_gets(const_cast<zmq_msg_t*>(second.handle()), "User-Id");
  return key == nullptr ? "" : key;
}

int ConnectionOf(const zmq::message_t& message) {
  return zmq_msg_get(const_cast<zmq_msg_t*>(message.handle()), ZMQ_SRCFD);
}

std::optional<zmq::message_t> Socket::Receive() {
  while (auto message = ReceivePart()) {
    if (IsFromAllowed(*message)) return message;
  }
  return std::nullopt;
}

std::optional<Socket::Parts> Socket::ReceiveParts() {
  while (auto first = ReceivePart()) {
    if (!first->more()) continue;
    auto second = ReceivePart();
    if (!second) return std::nullopt;
    bool longer = false;
    for (bool more = second->more(); more;) {
      const auto rest = ReceivePart();
      more = rest && rest->more();
      longer = true;
    }
    if (longer || !IsFromAllowed(*second)) continue;
    return Parts{first->to_string(), *std::move(second)};
  }
  return std::nullopt;
}

std::shared_ptr<Delivery> Deliver(const Socket& socket, zmq::message_t message,
                                  const SharedMemories& memories) {
  // Bytes from elsewhere are never taken for a handle.
  if (socket.in_process() && message.size() == sizeof(Handle)) {
    const auto* handle = static_cast<const Handle*>(message.data());
    const Handle marked;
    if (std::memcmp(handle->mark, marked.mark, sizeof(marked.mark)) == 0) {
      return std::make_shared<Delivery>(handle->batch);
    }
  }
  return std::make_shared<Delivery>(std::move(message), memories);
}

bool WaitForInput(const std::vector<Socket*>& sockets, int extra_fd, int timeout_ms) {
  std::vector<zmq::pollitem_t> items;
  for (Socket* socket : sockets) items.push_back(socket->poll_item());
  if (extra_fd >= 0) items.push_back({nullptr, extra_fd, ZMQ_POLLIN, 0});
  try {
    zmq::poll(items, std::chrono::milliseconds(timeout_ms));
    return true;
  } catch (const zmq::error_t&) {
    return false;  // EINTR: a signal; the caller looks at its stop flag
  }
}

}  // namespace flowstitch
