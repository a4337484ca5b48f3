// Tells others of files: lines on a descriptor (tcpflow's tcp_alert_fd and http_alert_fd), and a
// command a file (tcp_cmd and http_cmd).
//
//   "open\tPATH\n"   the file was begun
//   "close\tPATH\n"  it is complete
//
// The command is split into words as a shell does it (quotes and backslashes, nothing else), gets
// the path as its last argument, and is started without a shell.
#ifndef FLOWSTITCH_SINKS_ALERTS_H_
#define FLOWSTITCH_SINKS_ALERTS_H_

#include <sys/types.h>

#include <mutex>
#include <set>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

namespace flowstitch {

struct AlertOptions {
  int fd = -1;          // -1: none
  std::string command;  // empty: none
  bool any() const { return fd >= 0 || !command.empty(); }
};

// The words of a command; an error for a quote that does not end.
absl::StatusOr<std::vector<std::string>> SplitCommand(const std::string& command);

// All calls are thread-safe.
class Alerts {
 public:
  // Commands at a time; beyond, the next one waits for one to end.
  static constexpr size_t kMaxChildren = 10;

  explicit Alerts(const AlertOptions& options);
  ~Alerts();
  Alerts(const Alerts&) = delete;
  Alerts& operator=(const Alerts&) = delete;

  // An error says what is wrong with the options: a descriptor that is not open, a command that
  // cannot be split.
  static absl::Status Check(const AlertOptions& options);

  void Opened(const std::string& path) { Tell("open", path); }
  void Closed(const std::string& path);
  // Waits for the commands that still run.
  void Finish();

  // The first failure: a descriptor that cannot be written, a command that cannot be started. What
  // a command itself returns is its own affair.
  absl::Status status() const;

 private:
  void Tell(const char* what, const std::string& path);
  void Run(const std::string& path);
  void Reap(bool wait);

  const AlertOptions options_;
  std::vector<std::string> words_;
  mutable std::mutex mutex_;
  std::set<pid_t> children_;
  absl::Status status_;
};

}  // namespace flowstitch

#endif  // FLOWSTITCH_SINKS_ALERTS_H_
