#include "sinks/records/alerts/alerts.h"

#include <fcntl.h>
#include <poll.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "base/mutex.h"

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

absl::Status StartCommandHelper(AlertOptions* options) {
  const auto words = SplitCommand(options->command);
  if (!words.ok()) return words.status();
  if (words->empty() || options->helper != nullptr) return absl::OkStatus();
  auto helper = CommandHelper::Start(*words, options->output_taken);
  if (!helper.ok()) return helper.status();
  options->helper = *std::move(helper);
  return absl::OkStatus();
}

Alerts::Alerts(AlertOptions options) : options_(std::move(options)) {
  status_ = StartCommandHelper(&options_);
}

void Alerts::Tell(const char* what, const std::string& path) {
  if (options_.fd < 0) return;
  const std::string line = absl::StrCat(what, "\t", path, "\n");
  const MutexLock lock(&mutex_);
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
  if (options_.helper != nullptr) Run(path);
}

void Alerts::Reap() { status_.Update(options_.helper->Reap()); }

bool Alerts::idle() {
  const MutexLock lock(&mutex_);
  if (options_.helper == nullptr) return true;
  Reap();
  return options_.helper->running() == 0;
}

// Whether it was started, or is not to be: there is no room as long as too many run.
bool Alerts::TryRun(const std::string& path) {
  const MutexLock lock(&mutex_);
  Reap();
  const bool gives_up = give_up_.load(std::memory_order_relaxed);
  if (options_.helper->running() >= kMaxChildren && !gives_up) return false;
  if (status_.ok() && !gives_up) status_ = options_.helper->Run(path);
  return true;
}

void Alerts::Run(const std::string& path) {
  while (!TryRun(path)) poll(nullptr, 0, kPollMs);
}

absl::Status Alerts::status() const {
  const MutexLock lock(&mutex_);
  return status_;
}

}  // namespace flowstitch
