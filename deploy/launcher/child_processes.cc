#include <fcntl.h>
#include <pwd.h>
#include <signal.h>
#include <spdlog/spdlog.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "base/capture_time.h"
#include "base/memory/shared_memory.h"
#include "base/process/program.h"
#include "deploy/launcher/run.h"
#include "transport/socket.h"
#include "transport/steady_clock.h"

namespace flowstitch {
namespace {

struct Child {
  std::string program;
  std::vector<std::string> arguments;
  bool restarts = false;              // when a signal ended it
  std::vector<int> descriptors = {};  // that it inherits
  // The same for its first start only: what it wrote into shared memory may still be read when it
  // is started again.
  std::vector<std::string> first_arguments = {};
  std::vector<int> first_descriptors = {};
  pid_t pid = -1;
  bool running = false;
  int exit_status = 0;
  int starts = 0;
  int64_t start_at_ns = 0;  // again; 0: not to be started
};

// A child that a signal ended is started again after a while that doubles, so many times.
constexpr int kMostStarts = 6;
constexpr int64_t kFirstPauseNs = 250 * kNsPerMs;
// Of shared memory: for batches that are under way.
constexpr size_t kSpareBlocks = 8;

// Our programs lie beside each other, wherever they are installed.
std::string ProgramPath(const std::string& program) {
  char self[4096] = {};
  const ssize_t n = readlink("/proc/self/exe", self, sizeof(self) - 1);
  std::string path(self, n > 0 ? static_cast<size_t>(n) : 0);
  path.resize(path.rfind('/') == std::string::npos ? 0 : path.rfind('/') + 1);
  // In a build tree each lies in its stage's folder.
  const std::string beside = path + program;
  if (access(beside.c_str(), X_OK) == 0) return beside;
  const std::string folder = program == "flowstitch-capture"       ? "capture"
                             : program == "flowstitch-reassembler" ? "reassembler"
                                                                   : "sinks";
  return absl::StrCat(path, "../../", folder, "/", program);
}

void Start(Child* child) {
  const std::string path = ProgramPath(child->program);
  std::vector<std::string> arguments = child->arguments;
  std::vector<int> descriptors = child->descriptors;
  if (child->starts == 0) {
    arguments.insert(arguments.begin(), child->first_arguments.begin(),
                     child->first_arguments.end());
    descriptors.insert(descriptors.end(), child->first_descriptors.begin(),
                       child->first_descriptors.end());
  }
  std::vector<char*> argv = {const_cast<char*>(path.c_str())};
  for (const std::string& argument : arguments) {
    argv.push_back(const_cast<char*>(argument.c_str()));
  }
  argv.push_back(nullptr);
  ++child->starts;
  child->start_at_ns = 0;
  child->pid = fork();
  if (child->pid == 0) {
    // A group of its own: Ctrl-C reaches the launcher, which passes it on in order.
    setpgid(0, 0);
    for (const int fd : descriptors) fcntl(fd, F_SETFD, 0);
    execv(path.c_str(), argv.data());
    std::fprintf(stderr, "flowstitch: error: cannot run '%s': %s\n", path.c_str(),
                 std::strerror(errno));
    _exit(kExitFailed);
  }
  if (child->pid < 0) {
    spdlog::error("cannot start '{}': {}", child->program, std::strerror(errno));
    child->exit_status = kExitFailed;
    return;
  }
  child->running = true;
}

void Signal(const Child& child, int signal) {
  if (child.running) kill(child.pid, signal);
}

// The children in the order in which they are stopped: the capture first.
class Supervisor {
 public:
  explicit Supervisor(std::vector<Child> children) : children_(std::move(children)) {}

  int Run() {
    for (const Child& child : children_) {
      if (!child.running) Fail(child);
    }
    while (AnyRunning()) {
      StartDue();
      int status = 0;
      const pid_t pid = waitpid(-1, &status, WNOHANG);
      if (pid > 0) {
        OnExit(pid, status);
      } else {
        usleep(10'000);
      }
      PassSignalsOn();
    }
    return exit_status_;
  }

 private:
  bool AnyRunning() const {
    for (const Child& child : children_) {
      if (child.running || child.start_at_ns != 0) return true;
    }
    return false;
  }

  void OnExit(pid_t pid, int status) {
    for (Child& child : children_) {
      if (child.pid != pid) continue;
      child.running = false;
      if (WIFSIGNALED(status)) {
        spdlog::error("'{}' was ended by signal {} ({})", child.program, WTERMSIG(status),
                      strsignal(WTERMSIG(status)));
        if (child.restarts && !ending_ && passed_on_ == 0 && child.starts < kMostStarts) {
          child.start_at_ns = SteadyNowNs() + (kFirstPauseNs << (child.starts - 1));
          return;
        }
        child.exit_status = kExitFailed;
      } else {
        child.exit_status = WEXITSTATUS(status);
      }
      if (child.exit_status != 0) Fail(child);
    }
  }

  void StartDue() {
    for (Child& child : children_) {
      if (child.start_at_ns == 0 || SteadyNowNs() < child.start_at_ns) continue;
      if (ending_ || passed_on_ > 0) {
        child.start_at_ns = 0;
        continue;
      }
      spdlog::warn("'{}' is started again", child.program);
      Start(&child);
    }
  }

  // A capture that could not read everything has sent the rest and told the reassembler so; one
  // that was killed has not, and the reassembler has to be told to make an end. Without one of the
  // others nothing can be finished.
  void Fail(const Child& child) {
    if (exit_status_ == 0) exit_status_ = child.exit_status;
    if (&child == &children_.front() && child.pid > 0) {
      Signal(children_[1], SIGTERM);
      return;
    }
    if (!ending_) spdlog::error("'{}' failed, the other processes are stopped", child.program);
    ending_ = true;
    for (const Child& other : children_) Signal(other, SIGTERM);
  }

  void PassSignalsOn() {
    const int requests = StopRequests();
    if (requests == passed_on_) return;
    passed_on_ = requests;
    if (requests == 1) {
      // It says by which signal it was stopped.
      Signal(children_.front(), StopSignal());
      return;
    }
    for (const Child& child : children_) Signal(child, SIGTERM);
  }

  std::vector<Child> children_;
  int exit_status_ = 0;
  int passed_on_ = 0;
  bool ending_ = false;
};

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

}  // namespace

int RunChildProcesses(LauncherOptions options) {
  if (options.as_tcpflow) unsetenv("SUDO_UID");  // -U alone says whom the children become
  char directory[] = "/tmp/flowstitch-XXXXXX";
  if (mkdtemp(directory) == nullptr) {
    spdlog::error("cannot make a directory for sockets in /tmp: {}", std::strerror(errno));
    return kExitFailed;
  }
  const Privileges& privileges = options.capture.privileges;
  if (!privileges.user.empty()) {
    const passwd* user = getpwnam(privileges.user.c_str());
    if (user == nullptr || chown(directory, user->pw_uid, user->pw_gid) != 0) {
      spdlog::error("cannot give '{}' to '{}'", directory, privileges.user);
      rmdir(directory);
      return kExitFailed;
    }
    options.reassembler.user = options.sink.privileges.user = privileges.user;
  }
  const std::string captures = absl::StrCat("ipc://", directory, "/captures");
  const std::string sinks = absl::StrCat("ipc://", directory, "/sinks");
  options.capture.reassembler = ">" + captures;
  options.reassembler.captures = "@" + captures;
  options.reassembler.sinks = "@" + sinks;
  options.sink.reassembler = ">" + sinks;
  options.capture.security = options.reassembler.security = options.security;  // of the taps
  options.reassembler.metrics = options.metrics;  // it knows of all three
  const auto with_verbose = [&options](std::vector<std::string> arguments) {
    if (options.says_more()) arguments.insert(arguments.begin(), "-v");
    return arguments;
  };
  // A capture of files would read them once more, and so nothing is started again.
  const bool live = !options.capture.live.interface.empty();
  options.sink.journal = live;
  std::vector<Child> children(3);
  children[0] = {"flowstitch-capture", with_verbose(CaptureArguments(options.capture)), live};
  children[1] = {"flowstitch-reassembler", with_verbose(ReassemblerArguments(options.reassembler)),
                 live};
  children[2] = {"flowstitch-sink", with_verbose(SinkArguments(options.sink)), live};
  // An interface's frames are copied out of the kernel's buffer into messages.
  if (!live) Share(options.capture.buffer_bytes, &children[0], &children[1]);
  Share(options.reassembler.buffer_bytes, &children[1], &children[2]);
  // Those who bind, or take longer until they are ready, first.
  for (const size_t i : {1, 2, 0}) Start(&children[i]);
  int status = Supervisor(std::move(children)).Run();
  if (options.as_tcpflow && StopSignal() != 0 && status == 128 + StopSignal()) status = kExitOk;
  unlink((std::string(directory) + "/captures").c_str());
  unlink((std::string(directory) + "/sinks").c_str());
  rmdir(directory);
  return status;
}

}  // namespace flowstitch
