// What a process that parses foreign bytes will never do, the kernel forbids it (seccomp(2),
// through libseccomp), in all its threads and for good. Forbidden calls fail with EPERM.
#ifndef FLOWSTITCH_BASE_SANDBOX_H_
#define FLOWSTITCH_BASE_SANDBOX_H_

#include "absl/status/status.h"

namespace flowstitch {

struct SandboxOptions {
  bool writes_files = false;   // otherwise no file is opened but to be read
  bool runs_commands = false;  // otherwise no program is run
};

// Also gives up new privileges (no_new_privs). Where the kernel has no seccomp, an error.
absl::Status EnterSandbox(const SandboxOptions& options);

}  // namespace flowstitch

#endif  // FLOWSTITCH_BASE_SANDBOX_H_
