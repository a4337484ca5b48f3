#include "transport/passed_sockets.h"

#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cstdlib>
#include <cstring>
#include <string_view>

#include "absl/strings/numbers.h"

namespace flowstitch {
namespace {

constexpr int kFirstPassed = 3;  // SD_LISTEN_FDS_START

// How many were passed to this process, not to the one that started it.
int PassedSockets() {
  const char* pid = std::getenv("LISTEN_PID");
  const char* count = std::getenv("LISTEN_FDS");
  int number = 0;
  int process = 0;
  if (pid == nullptr || count == nullptr || !absl::SimpleAtoi(pid, &process) ||
      !absl::SimpleAtoi(count, &number) || process != getpid()) {
    return 0;
  }
  return number;
}

// Host and port of a socket's own address, or its path; empty when it has none.
struct Address {
  std::string host;
  std::string port;
};

Address AddressOf(int fd) {
  sockaddr_storage address = {};
  socklen_t size = sizeof(address);
  if (getsockname(fd, reinterpret_cast<sockaddr*>(&address), &size) != 0) return {};
  if (address.ss_family == AF_UNIX) {
    const auto* path = reinterpret_cast<const sockaddr_un*>(&address);
    return {path->sun_path, ""};
  }
  char host[NI_MAXHOST] = "";
  char port[NI_MAXSERV] = "";
  if (getnameinfo(reinterpret_cast<const sockaddr*>(&address), size, host, sizeof(host), port,
                  sizeof(port), NI_NUMERICHOST | NI_NUMERICSERV) != 0) {
    return {};
  }
  return {host, port};
}

bool IsAny(std::string_view host) { return host == "*" || host == "0.0.0.0" || host == "::"; }

// Whether `text` begins with `prefix`, which is then taken off.
bool Take(std::string_view prefix, std::string_view* text) {
  if (!text->starts_with(prefix)) return false;
  text->remove_prefix(prefix.size());
  return true;
}

bool ListensAt(int fd, std::string_view endpoint) {
  int listens = 0;
  socklen_t size = sizeof(listens);
  if (getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &listens, &size) != 0 || listens == 0) return false;
  const Address address = AddressOf(fd);
  if (Take("ipc://", &endpoint)) return address.host == endpoint;
  if (!Take("tcp://", &endpoint)) return false;
  const size_t colon = endpoint.rfind(':');
  if (colon == std::string_view::npos || address.port != endpoint.substr(colon + 1)) return false;
  std::string_view host = endpoint.substr(0, colon);
  if (Take("[", &host) && host.ends_with(']')) host.remove_suffix(1);
  return host == address.host || (IsAny(host) && IsAny(address.host));
}

}  // namespace

int FindPassedSocket(const std::string& endpoint) {
  for (int fd = kFirstPassed; fd < kFirstPassed + PassedSockets(); ++fd) {
    if (!ListensAt(fd, endpoint)) continue;
    fcntl(fd, F_SETFD, FD_CLOEXEC);
    fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK);
    return fd;
  }
  return -1;
}

}  // namespace flowstitch
