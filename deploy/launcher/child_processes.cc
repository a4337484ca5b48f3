#include <pwd.h>
#include <spdlog/spdlog.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "base/memory/shared_memory.h"
#include "base/process/program.h"
#include "deploy/launcher/run.h"
#include "deploy/launcher/supervisor.h"

namespace flowstitch {
namespace {

// Of shared memory: for batches that are under way.
constexpr size_t kSpareBlocks = 8;

// A directory for the sockets between the children, which whoever they become may enter.
class SocketDirectory {
 public:
  SocketDirectory() = default;
  SocketDirectory(const SocketDirectory&) = delete;
  SocketDirectory& operator=(const SocketDirectory&) = delete;
  ~SocketDirectory() {
    if (path_.empty()) return;
    unlink(Path("captures").c_str());
    unlink(Path("sinks").c_str());
    rmdir(path_.c_str());
  }

  // False when that fails, which is logged.
  bool Make(const std::string& user) {
    char path[] = "/tmp/flowstitch-XXXXXX";
    if (mkdtemp(path) == nullptr) {
      spdlog::error("cannot make a directory for sockets in /tmp: {}", std::strerror(errno));
      return false;
    }
    path_ = path;
    if (user.empty()) return true;
    const passwd* entry = getpwnam(user.c_str());
    if (entry != nullptr && chown(path, entry->pw_uid, entry->pw_gid) == 0) return true;
    spdlog::error("cannot give '{}' to '{}'", path_, user);
    return false;
  }
  std::string Endpoint(const char* name) const { return absl::StrCat("ipc://", Path(name)); }

 private:
  std::string Path(const char* name) const { return absl::StrCat(path_, "/", name); }
  std::string path_;
};

bool IsLive(const LauncherOptions& options) { return !options.capture.live.interface.empty(); }

// What the children have of the launcher's options.
void ShareOptions(const SocketDirectory& sockets, LauncherOptions* options) {
  options->capture.reassembler = ">" + sockets.Endpoint("captures");
  options->reassembler.captures = "@" + sockets.Endpoint("captures");
  options->reassembler.sinks = "@" + sockets.Endpoint("sinks");
  options->sink.reassembler = ">" + sockets.Endpoint("sinks");
  const std::string& user = options->capture.privileges.user;
  if (!user.empty()) options->reassembler.user = options->sink.privileges.user = user;
  // Of the taps.
  options->capture.security = options->reassembler.security = options->security;
  options->reassembler.metrics = options->metrics;  // it knows of all three
  options->sink.journal = IsLive(*options);
}

// Memory that payload goes through instead of the socket from `writer` to `reader`. `bytes`: what
// the writer keeps for the reader. Without it, the messages carry the payload.
void Share(size_t bytes, Child* writer, Child* reader) {
  const auto memory = SharedMemory::Make(bytes / SharedMemory::kBlockBytes + kSpareBlocks);
  if (!memory.ok()) {
    spdlog::warn("{}; it goes on without", std::string(memory.status().message()));
    return;
  }
  writer->first_arguments.insert(writer->first_arguments.end(),
                                 {"--share-memory", absl::StrCat(memory->write)});
  writer->first_descriptors.push_back(memory->write);
  reader->arguments.insert(reader->arguments.begin(),
                           {"--read-memory", absl::StrCat(memory->read)});
  reader->descriptors.push_back(memory->read);
}

// In the order in which they are stopped. A capture of files would read them once more, and so
// nothing of it is started again.
std::vector<Child> MakeChildren(const LauncherOptions& options) {
  const auto child = [&options](const char* program, std::vector<std::string> arguments) {
    if (options.says_more()) arguments.insert(arguments.begin(), "-v");
    return Child{program, std::move(arguments), /*restarts=*/IsLive(options)};
  };
  std::vector<Child> children = {
      child("flowstitch-capture", CaptureArguments(options.capture)),
      child("flowstitch-reassembler", ReassemblerArguments(options.reassembler)),
      child("flowstitch-sink", SinkArguments(options.sink))};
  // An interface's frames are copied out of the kernel's buffer into messages.
  if (!IsLive(options)) Share(options.capture.buffer_bytes, &children[0], &children[1]);
  Share(options.reassembler.buffer_bytes, &children[1], &children[2]);
  return children;
}

}  // namespace

int RunChildProcesses(LauncherOptions options) {
  if (options.as_tcpflow) unsetenv("SUDO_UID");  // -U alone says whom the children become
  SocketDirectory sockets;
  if (!sockets.Make(options.capture.privileges.user)) return kExitFailed;
  ShareOptions(sockets, &options);
  std::vector<Child> children = MakeChildren(options);
  // Those who bind, or take longer until they are ready, first.
  for (const size_t i : {1u, 2u, 0u}) Start(&children[i]);
  const int status = Supervisor(std::move(children)).Run();
  const bool stopped = StopSignal() != 0 && status == 128 + StopSignal();
  return options.as_tcpflow && stopped ? kExitOk : status;
}

}  // namespace flowstitch
