// Runs a command for each file, in a process of its own: it is forked before the sink is confined
// to what parsing needs, and all that the sink can tell it is a path.
#ifndef FLOWSTITCH_SINKS_RECORDS_ALERTS_COMMAND_HELPER_H_
#define FLOWSTITCH_SINKS_RECORDS_ALERTS_COMMAND_HELPER_H_

#include <sys/types.h>

#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "base/owned_descriptor.h"

namespace flowstitch {

class CommandHelper {
 public:
  // Forks: before the process has threads. `words` are the program and its first arguments. The
  // commands inherit standard output (standard error in its place where `output_taken`) and error,
  // and nothing else.
  static absl::StatusOr<std::unique_ptr<CommandHelper>> Start(const std::vector<std::string>& words,
                                                              bool output_taken);
  // The helper ends; commands that still run do not.
  ~CommandHelper();
  CommandHelper(const CommandHelper&) = delete;
  CommandHelper& operator=(const CommandHelper&) = delete;

  // Starts the command with `path` as its last argument. Not thread-safe, nor are the others.
  absl::Status Run(const std::string& path);
  // Notes the commands that have ended; an error where one could not be started, or the helper was
  // killed. What a command itself returns is its own affair.
  absl::Status Reap();
  // Commands that have not ended, as of the last Reap().
  size_t running() const { return running_; }

 private:
  CommandHelper(std::string program, int socket, pid_t pid)
      : program_(std::move(program)), socket_(socket), pid_(pid) {}
  absl::Status Gone();

  const std::string program_;
  OwnedDescriptor socket_;
  const pid_t pid_;
  size_t running_ = 0;
};

}  // namespace flowstitch

#endif  // FLOWSTITCH_SINKS_RECORDS_ALERTS_COMMAND_HELPER_H_
