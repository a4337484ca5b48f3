#include "transport/link_files.h"

#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "absl/strings/strip.h"
#include "base/owned_descriptor.h"
#include "transport/endpoint.h"

namespace flowstitch {
namespace {

// The paths of ipc endpoints among `endpoints` that may be bound here; without a prefix that is not
// known.
std::vector<std::string> IpcPaths(const std::vector<std::string>& endpoints) {
  std::vector<std::string> paths;
  for (const std::string& text : endpoints) {
    const auto parsed = ParseEndpoints(text, /*binds_by_default=*/true);
    if (!parsed.ok()) continue;
    for (const SocketEndpoint& endpoint : *parsed) {
      absl::string_view path = endpoint.address;
      if (endpoint.bind && absl::ConsumePrefix(&path, "ipc://") && path.substr(0, 1) != "@") {
        paths.emplace_back(path);
      }
    }
  }
  return paths;
}

bool IsStale(const std::string& path) {
  struct stat info = {};
  sockaddr_un address = {};
  address.sun_family = AF_UNIX;
  if (lstat(path.c_str(), &info) != 0 || !S_ISSOCK(info.st_mode) ||
      path.size() >= sizeof(address.sun_path)) {
    return false;
  }
  path.copy(address.sun_path, path.size());
  const OwnedDescriptor probe(socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  return connect(probe.get(), reinterpret_cast<const sockaddr*>(&address), sizeof(address)) != 0 &&
         errno == ECONNREFUSED;
}

}  // namespace

FileRights LinkFiles(const SecurityOptions& security, const std::vector<std::string>& endpoints) {
  FileRights rights;
  rights.reads.push_back(security.allow);
  for (const std::string& path : IpcPaths(endpoints)) rights.sockets.push_back(DirectoryOf(path));
  return rights;
}

void RemoveStaleSockets(const std::vector<std::string>& endpoints) {
  for (const std::string& path : IpcPaths(endpoints)) {
    if (IsStale(path)) unlink(path.c_str());
  }
}

}  // namespace flowstitch
