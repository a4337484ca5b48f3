// What a process that parses foreign bytes may do: a list of system calls (seccomp(2), through
// libseccomp) and of files (Landlock), for good. Everything else is refused by the kernel: calls
// that only an attacker makes with EPERM, those that nobody thought of with ENOSYS, never by the
// process's end. No program is run, no memory made executable, no other process signalled, no raw
// socket opened.
#ifndef FLOWSTITCH_BASE_PROCESS_SANDBOX_H_
#define FLOWSTITCH_BASE_PROCESS_SANDBOX_H_

#include "absl/status/status.h"
#include "base/process/file_rights.h"

namespace flowstitch {

struct SandboxOptions {
  FileRights files;           // beside those that every program needs (name services, time zones)
  bool writes_files = false;  // otherwise no file is opened but to be read, and none is removed
};

// To be called when inputs are open, keys read and privileges given up, and before any thread is
// made. The process leaves no core and cannot be traced from then on. Where the kernel has no
// seccomp, an error; where it has no Landlock, the system calls are all that is refused.
absl::Status EnterSandbox(const SandboxOptions& options);

// As programs do it: gives up capabilities too. What cannot be (an old kernel, a service manager
// that forbids it) is said, and goes on without.
void Confine(const SandboxOptions& options);

}  // namespace flowstitch

#endif  // FLOWSTITCH_BASE_PROCESS_SANDBOX_H_
