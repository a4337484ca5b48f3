#include "sinks/alerts.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"

extern char** environ;

namespace flowstitch {
namespace {

constexpr int kPollMs = 5;

}  // namespace

absl::StatusOr<std::vector<std::string>> SplitCommand(const std::string& command) {
  std::vector<std::string> words;
  std::string word;
  bool in_word = false;
  char quote = 0;
  for (size_t i = 0; i < command.size(); ++i) {
    const char c = command[i];
    const bool more = i + 1 < command.size();
    if (quote == '\'' || (quote == '"' && c != '\\')) {
      if (c == quote) {
        quote = 0;
      } else {
        word += c;
      }
    } else if (c == '\\' && more) {
      word += command[++i];
      in_word = true;
    } else if (c == '\'' || c == '"') {
      quote = c;
      in_word = true;
    } else if (c == ' ' || c == '\t' || c == '\n') {
      if (in_word) words.push_back(std::exchange(word, {}));
      in_word = false;
    } else {
      word += c;
      in_word = true;
    }
  }
  if (quote != 0) {
    return absl::InvalidArgumentError(
        absl::StrFormat("the command '%s' has a quote that does not end", command));
  }
  if (in_word) words.push_back(word);
  return words;
}

absl::Status Alerts::Check(const AlertOptions& options) {
  if (options.fd >= 0 && fcntl(options.fd, F_GETFD) < 0) {
    return absl::InvalidArgumentError(
        absl::StrFormat("alerts cannot go to descriptor %d: it is not open", options.fd));
  }
  const auto words = SplitCommand(options.command);
  if (!words.ok()) return words.status();
  if (!options.command.empty() && words->empty()) {
    return absl::InvalidArgumentError("the command for files is blank");
  }
  return absl::OkStatus();
}

Alerts::Alerts(const AlertOptions& options) : options_(options) {
  if (auto words = SplitCommand(options.command); words.ok()) words_ = *std::move(words);
}

Alerts::~Alerts() = default;

void Alerts::Tell(const char* what, const std::string& path) {
  if (options_.fd < 0) return;
  const std::string line = absl::StrCat(what, "\t", path, "\n");
  const std::lock_guard<std::mutex> lock(mutex_);
  for (std::string_view rest = line; !rest.empty() && status_.ok();) {
    const ssize_t n = write(options_.fd, rest.data(), rest.size());
    if (n >= 0) {
      rest.remove_prefix(static_cast<size_t>(n));
    } else if (errno == EAGAIN) {
      pollfd item = {options_.fd, POLLOUT, 0};
      poll(&item, 1, kPollMs);
      if (give_up_.load(std::memory_order_relaxed)) return;
    } else if (errno != EINTR) {
      status_ = absl::UnavailableError(absl::StrFormat("cannot write alerts to descriptor %d: %s",
                                                       options_.fd, std::strerror(errno)));
    }
  }
}

void Alerts::Closed(const std::string& path) {
  Tell("close", path);
  if (!words_.empty()) Run(path);
}

void Alerts::Reap() {
  for (auto it = children_.begin(); it != children_.end();) {
    const pid_t ended = waitpid(*it, nullptr, WNOHANG);
    it = ended == 0 ? std::next(it) : children_.erase(it);
  }
}

bool Alerts::idle() {
  const std::lock_guard<std::mutex> lock(mutex_);
  Reap();
  return children_.empty();
}

void Alerts::Run(const std::string& path) {
  std::unique_lock<std::mutex> lock(mutex_);
  Reap();
  while (children_.size() >= kMaxChildren && !give_up_.load(std::memory_order_relaxed)) {
    lock.unlock();
    poll(nullptr, 0, kPollMs);
    lock.lock();
    Reap();
  }
  if (!status_.ok() || give_up_.load(std::memory_order_relaxed)) return;
  std::vector<char*> arguments;
  for (const std::string& word : words_) arguments.push_back(const_cast<char*>(word.c_str()));
  arguments.push_back(const_cast<char*>(path.c_str()));
  arguments.push_back(nullptr);
  // Signals as a program expects them.
  posix_spawnattr_t attributes;
  posix_spawnattr_init(&attributes);
  sigset_t defaults;
  sigemptyset(&defaults);
  for (const int signal : {SIGPIPE, SIGINT, SIGTERM, SIGHUP}) sigaddset(&defaults, signal);
  posix_spawnattr_setsigdefault(&attributes, &defaults);
  posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGDEF);
  pid_t child = 0;
  posix_spawn_file_actions_t files;
  posix_spawn_file_actions_init(&files);
  posix_spawn_file_actions_addopen(&files, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
  if (options_.output_taken) {
    posix_spawn_file_actions_adddup2(&files, STDERR_FILENO, STDOUT_FILENO);
  }
  posix_spawn_file_actions_addclosefrom_np(&files, STDERR_FILENO + 1);
  const int failed =
      posix_spawnp(&child, words_[0].c_str(), &files, &attributes, arguments.data(), environ);
  posix_spawn_file_actions_destroy(&files);
  posix_spawnattr_destroy(&attributes);
  if (failed != 0) {
    status_ = absl::UnavailableError(
        absl::StrFormat("cannot run '%s': %s", words_[0], std::strerror(failed)));
    return;
  }
  children_.insert(child);
}

absl::Status Alerts::status() const {
  const std::lock_guard<std::mutex> lock(mutex_);
  return status_;
}

}  // namespace flowstitch
