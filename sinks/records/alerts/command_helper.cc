#include "sinks/records/alerts/command_helper.h"

#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <set>

#include "absl/strings/str_format.h"

extern char** environ;

namespace flowstitch {
namespace {

constexpr int kPollMs = 5;
constexpr int kHelpersSocket = STDERR_FILENO + 1;
constexpr int kSignals[] = {SIGPIPE, SIGXFSZ, SIGINT, SIGTERM, SIGHUP};

// How a command went, to the sink: 0 when it has ended, or why it could not be started.
using Outcome = int32_t;

// What the helper does, from its fork to its end.
class HelperProcess {
 public:
  HelperProcess(const std::vector<std::string>& words, bool output_taken)
      : words_(words), output_taken_(output_taken) {}

  // Until the sink closes its end.
  void Serve() {
    std::string path(PATH_MAX + 1, '\0');
    while (true) {
      pollfd item = {kHelpersSocket, POLLIN, 0};
      poll(&item, 1, children_.empty() ? -1 : kPollMs);
      TellOfEnded();
      if (item.revents == 0) continue;
      const ssize_t n = recv(kHelpersSocket, path.data(), path.size(), MSG_DONTWAIT);
      if (n < 0 && (errno == EAGAIN || errno == EINTR)) continue;
      if (n <= 0) return;
      Start(path.substr(0, static_cast<size_t>(n)));
    }
  }

 private:
  static void Tell(Outcome outcome) {
    send(kHelpersSocket, &outcome, sizeof(outcome), MSG_NOSIGNAL);
  }

  void TellOfEnded() {
    for (auto it = children_.begin(); it != children_.end();) {
      if (waitpid(*it, nullptr, WNOHANG) == 0) {
        ++it;
        continue;
      }
      it = children_.erase(it);
      Tell(0);
    }
  }

  void Start(const std::string& path) {
    std::vector<char*> arguments;
    for (const std::string& word : words_) arguments.push_back(const_cast<char*>(word.c_str()));
    arguments.push_back(const_cast<char*>(path.c_str()));
    arguments.push_back(nullptr);
    // Signals as a program expects them.
    posix_spawnattr_t attributes;
    posix_spawnattr_init(&attributes);
    sigset_t defaults;
    sigemptyset(&defaults);
    for (const int signal : kSignals) sigaddset(&defaults, signal);
    posix_spawnattr_setsigdefault(&attributes, &defaults);
    posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGDEF);
    posix_spawn_file_actions_t files;
    posix_spawn_file_actions_init(&files);
    posix_spawn_file_actions_addopen(&files, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
    if (output_taken_) posix_spawn_file_actions_adddup2(&files, STDERR_FILENO, STDOUT_FILENO);
    posix_spawn_file_actions_addclosefrom_np(&files, STDERR_FILENO + 1);
    pid_t child = 0;
    const int failed =
        posix_spawnp(&child, words_[0].c_str(), &files, &attributes, arguments.data(), environ);
    posix_spawn_file_actions_destroy(&files);
    posix_spawnattr_destroy(&attributes);
    if (failed != 0) {
      Tell(failed);
    } else {
      children_.insert(child);
    }
  }

  const std::vector<std::string>& words_;
  const bool output_taken_;
  std::set<pid_t> children_;
};

}  // namespace

absl::StatusOr<std::unique_ptr<CommandHelper>> CommandHelper::Start(
    const std::vector<std::string>& words, bool output_taken) {
  int ends[2];
  const auto failed = [&words](const char* what) {
    return absl::UnavailableError(
        absl::StrFormat("cannot run '%s': %s: %s", words[0], what, std::strerror(errno)));
  };
  if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) != 0) return failed("a socket");
  const pid_t pid = fork();
  if (pid == 0) {
    // A signal for all of the terminal's processes ends the sink, and with it this one. Inputs and
    // keys that are open are none of its business.
    for (const int number : kSignals) signal(number, SIG_IGN);
    prctl(PR_SET_NAME, "flowstitch-cmds");
    dup3(ends[1], kHelpersSocket, O_CLOEXEC);
    close_range(kHelpersSocket + 1, ~0U, 0);
    HelperProcess(words, output_taken).Serve();
    _exit(0);
  }
  close(ends[1]);
  if (pid < 0) {
    close(ends[0]);
    return failed("a process");
  }
  return std::unique_ptr<CommandHelper>(new CommandHelper(words[0], ends[0], pid));
}

CommandHelper::~CommandHelper() {
  socket_ = OwnedDescriptor(-1);
  while (waitpid(pid_, nullptr, 0) < 0 && errno == EINTR) {
  }
}

absl::Status CommandHelper::Gone() {
  running_ = 0;
  return absl::UnavailableError(
      absl::StrFormat("cannot run '%s': the process that runs commands has gone", program_));
}

absl::Status CommandHelper::Run(const std::string& path) {
  ssize_t sent = 0;
  do {
    sent = send(socket_.get(), path.data(), path.size(), MSG_NOSIGNAL);
  } while (sent < 0 && errno == EINTR);
  if (sent < 0) return Gone();
  ++running_;
  return absl::OkStatus();
}

absl::Status CommandHelper::Reap() {
  while (running_ > 0) {
    Outcome outcome = 0;
    const ssize_t n = recv(socket_.get(), &outcome, sizeof(outcome), MSG_DONTWAIT);
    if (n < 0 && errno == EAGAIN) return absl::OkStatus();
    if (n < 0 && errno == EINTR) continue;
    if (n != sizeof(outcome)) return Gone();
    --running_;
    if (outcome != 0) {
      return absl::UnavailableError(
          absl::StrFormat("cannot run '%s': %s", program_, std::strerror(outcome)));
    }
  }
  return absl::OkStatus();
}

}  // namespace flowstitch
