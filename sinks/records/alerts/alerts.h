// Tells others of files: lines on a descriptor (tcpflow's tcp_alert_fd and http_alert_fd), and a
// command a file (tcp_cmd and http_cmd).
//
//   "open\tPATH\n"   the file was begun
//   "close\tPATH\n"  it is complete
//
// The command is split into words as a shell does it (quotes and backslashes, nothing else), gets
// the path as its last argument, and is started without a shell, by CommandHelper.
#ifndef FLOWSTITCH_SINKS_RECORDS_ALERTS_ALERTS_H_
#define FLOWSTITCH_SINKS_RECORDS_ALERTS_ALERTS_H_

#include <atomic>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "base/mutex.h"
#include "sinks/records/alerts/command_helper.h"

namespace flowstitch {

struct AlertOptions {
  int fd = -1;                // -1: none
  std::string command;        // empty: none
  bool output_taken = false;  // standard output is in use: commands write to standard error
  // That runs the command; null: one is started where it is needed.
  std::shared_ptr<CommandHelper> helper = nullptr;
  bool any() const { return fd >= 0 || !command.empty(); }
};

// The words of a command; an error for a quote that does not end.
absl::StatusOr<std::vector<std::string>> SplitCommand(const std::string& command);

// Starts the helper that the options need, if they do: before the process has threads.
absl::Status StartCommandHelper(AlertOptions* options);

// All calls are thread-safe.
class Alerts {
 public:
  // Commands at a time; beyond, the next one waits for one to end.
  static constexpr size_t kMaxChildren = 10;

  explicit Alerts(AlertOptions options);
  Alerts(const Alerts&) = delete;
  Alerts& operator=(const Alerts&) = delete;

  // An error says what is wrong with the options: a descriptor that is not open, a command that
  // cannot be split.
  static absl::Status Check(const AlertOptions& options);

  void Opened(const std::string& path) { Tell("open", path); }
  void Closed(const std::string& path);
  // Whether no command runs any more.
  bool idle();
  // Commands that still run are not waited for any more: there was a second stop request.
  void GiveUp() { give_up_.store(true, std::memory_order_relaxed); }

  // The first failure: a descriptor that cannot be written, a command that cannot be started. What
  // a command itself returns is its own affair.
  absl::Status status() const;

 private:
  void Tell(const char* what, const std::string& path);
  bool TryRun(const std::string& path);
  void Run(const std::string& path);
  void Reap() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  AlertOptions options_;
  mutable Mutex mutex_;
  std::atomic<bool> give_up_{false};
  absl::Status status_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace flowstitch

#endif  // FLOWSTITCH_SINKS_RECORDS_ALERTS_ALERTS_H_
