#include "base/process/service.h"

#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <atomic>
#include <cstddef>
#include <cstdlib>
#include <cstring>
#include <string_view>

namespace flowstitch {
namespace {

constexpr int64_t kAliveIntervalNs = 1'000'000'000;

// A datagram to the manager's socket; '@' stands for the abstract namespace.
void Tell(std::string_view text) {
  const char* path = std::getenv("NOTIFY_SOCKET");
  if (path == nullptr || (path[0] != '/' && path[0] != '@')) return;
  sockaddr_un address = {};
  address.sun_family = AF_UNIX;
  const size_t length = std::strlen(path);
  if (length >= sizeof(address.sun_path)) return;
  std::memcpy(address.sun_path, path, length);
  if (path[0] == '@') address.sun_path[0] = '\0';
  const int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  if (fd < 0) return;
  const auto size = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + length);
  sendto(fd, text.data(), text.size(), MSG_NOSIGNAL, reinterpret_cast<const sockaddr*>(&address),
         size);
  close(fd);
}

}  // namespace

void TellReady() { Tell("READY=1"); }

void TellAlive(int64_t steady_now_ns) {
  static const bool watched = std::getenv("WATCHDOG_USEC") != nullptr;
  static std::atomic<int64_t> told_ns{0};
  if (!watched || steady_now_ns - told_ns.load(std::memory_order_relaxed) < kAliveIntervalNs)
    return;
  told_ns = steady_now_ns;
  Tell("WATCHDOG=1");
}

void TellStopping() { Tell("STOPPING=1"); }

}  // namespace flowstitch
