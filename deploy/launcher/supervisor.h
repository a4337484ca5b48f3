// Child processes: started beside this program, stopped in order, and started again where a signal
// ended them.
#ifndef FLOWSTITCH_DEPLOY_LAUNCHER_SUPERVISOR_H_
#define FLOWSTITCH_DEPLOY_LAUNCHER_SUPERVISOR_H_

#include <sys/types.h>

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

namespace flowstitch {

struct Child {
  std::string program;
  std::vector<std::string> arguments;
  bool restarts = false;              // when a signal ended it
  std::vector<int> descriptors = {};  // that it inherits
  // The same for its first start only: what it wrote into shared memory may still be read when it
  // is started again.
  std::vector<std::string> first_arguments = {};
  std::vector<int> first_descriptors = {};

  // What the supervisor knows of it.
  pid_t pid = -1;
  bool running = false;
  int exit_status = 0;
  int starts = 0;
  int64_t start_at_ns = 0;  // again; 0: not to be started
};

// Starts it. A failure is in its exit status.
void Start(Child* child);

// Children that were started, in the order in which they are stopped: the capture first.
class Supervisor {
 public:
  explicit Supervisor(std::vector<Child> children) : children_(std::move(children)) {}

  // Until all have ended. Returns the exit status of the first that failed, or 0.
  int Run();

 private:
  bool AnyRunning() const;
  void ReapOne();
  void OnExit(Child* child, int status);
  bool MayRestart(const Child& child) const;
  void StartDue();
  void Fail(const Child& child);
  void PassSignalsOn();

  std::vector<Child> children_;
  int exit_status_ = 0;
  int passed_on_ = 0;  // stop requests
  bool ending_ = false;
};

}  // namespace flowstitch

#endif  // FLOWSTITCH_DEPLOY_LAUNCHER_SUPERVISOR_H_
