#include "deploy/launcher/supervisor.h"

#include <fcntl.h>
#include <signal.h>
#include <spdlog/spdlog.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstring>

#include "absl/strings/str_cat.h"
#include "base/capture_time.h"
#include "base/process/program.h"
#include "transport/steady_clock.h"

namespace flowstitch {
namespace {

// A child that a signal ended is started again after a while that doubles, so many times.
constexpr int kMostStarts = 6;
constexpr int64_t kFirstPauseNs = 250 * kNsPerMs;
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

// What it is started with this time.
std::vector<std::string> ArgumentsOf(const Child& child) {
  std::vector<std::string> arguments;
  if (child.starts == 0) arguments = child.first_arguments;
  arguments.insert(arguments.end(), child.arguments.begin(), child.arguments.end());
  return arguments;
}

std::vector<int> DescriptorsOf(const Child& child) {
  std::vector<int> descriptors = child.descriptors;
  if (child.starts > 0) return descriptors;
  descriptors.insert(descriptors.end(), child.first_descriptors.begin(),
                     child.first_descriptors.end());
  return descriptors;
}

// In the child.
[[noreturn]] void Execute(const std::string& path, const std::vector<char*>& argv,
                          const std::vector<int>& descriptors) {
  // A group of its own: Ctrl-C reaches the launcher, which passes it on in order.
  setpgid(0, 0);
  for (const int fd : descriptors) fcntl(fd, F_SETFD, 0);
  execv(path.c_str(), argv.data());
  std::fprintf(stderr, "flowstitch: error: cannot run '%s': %s\n", path.c_str(),
               std::strerror(errno));
  _exit(kExitFailed);
}

void Signal(const Child& child, int signal) {
  if (child.running) kill(child.pid, signal);
}

}  // namespace

void Start(Child* child) {
  const std::string path = ProgramPath(child->program);
  const std::vector<std::string> arguments = ArgumentsOf(*child);
  const std::vector<int> descriptors = DescriptorsOf(*child);
  std::vector<char*> argv = {const_cast<char*>(path.c_str())};
  for (const std::string& argument : arguments) {
    argv.push_back(const_cast<char*>(argument.c_str()));
  }
  argv.push_back(nullptr);
  ++child->starts;
  child->start_at_ns = 0;
  child->pid = fork();
  if (child->pid == 0) Execute(path, argv, descriptors);
  if (child->pid < 0) {
    spdlog::error("cannot start '{}': {}", child->program, std::strerror(errno));
    child->exit_status = kExitFailed;
    return;
  }
  child->running = true;
}

int Supervisor::Run() {
  for (const Child& child : children_) {
    if (!child.running) Fail(child);
  }
  while (AnyRunning()) {
    StartDue();
    ReapOne();
    PassSignalsOn();
  }
  return exit_status_;
}

bool Supervisor::AnyRunning() const {
  return std::any_of(children_.begin(), children_.end(),
                     [](const Child& child) { return child.running || child.start_at_ns != 0; });
}

// One that has ended, or a short sleep.
void Supervisor::ReapOne() {
  int status = 0;
  const pid_t pid = waitpid(-1, &status, WNOHANG);
  if (pid <= 0) {
    usleep(10'000);
    return;
  }
  for (Child& child : children_) {
    if (child.pid == pid) OnExit(&child, status);
  }
}

bool Supervisor::MayRestart(const Child& child) const {
  return child.restarts && !ending_ && passed_on_ == 0 && child.starts < kMostStarts;
}

void Supervisor::OnExit(Child* child, int status) {
  child->running = false;
  child->exit_status = WEXITSTATUS(status);
  if (WIFSIGNALED(status)) {
    spdlog::error("'{}' was ended by signal {} ({})", child->program, WTERMSIG(status),
                  strsignal(WTERMSIG(status)));
    if (MayRestart(*child)) {
      child->start_at_ns = SteadyNowNs() + (kFirstPauseNs << (child->starts - 1));
      return;
    }
    child->exit_status = kExitFailed;
  }
  if (child->exit_status != 0) Fail(*child);
}

void Supervisor::StartDue() {
  for (Child& child : children_) {
    if (child.start_at_ns == 0 || SteadyNowNs() < child.start_at_ns) continue;
    child.start_at_ns = 0;
    if (ending_ || passed_on_ > 0) continue;
    spdlog::warn("'{}' is started again", child.program);
    Start(&child);
  }
}

// A capture that could not read everything has sent the rest and told the reassembler so; one
// that was killed has not, and the reassembler has to be told to make an end. Without one of the
// others nothing can be finished.
void Supervisor::Fail(const Child& child) {
  if (exit_status_ == 0) exit_status_ = child.exit_status;
  if (&child == &children_.front() && child.pid > 0) {
    Signal(children_[1], SIGTERM);
    return;
  }
  if (!ending_) spdlog::error("'{}' failed, the other processes are stopped", child.program);
  ending_ = true;
  for (const Child& other : children_) Signal(other, SIGTERM);
}

void Supervisor::PassSignalsOn() {
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

}  // namespace flowstitch
