// The two ways to run the three stages on one host. Both use the stages' own options and nothing
// else.
#ifndef FLOWSTITCH_DEPLOY_LAUNCHER_RUN_H_
#define FLOWSTITCH_DEPLOY_LAUNCHER_RUN_H_

#include "deploy/launcher/launcher_options.h"

namespace flowstitch {

// In threads of this process, over inproc. Returns the exit status; errors have been said.
int RunInProcess(LauncherOptions options);

// As child processes, over ipc in a directory of their own, with signals passed on in order.
int RunChildProcesses(LauncherOptions options);

}  // namespace flowstitch

#endif  // FLOWSTITCH_DEPLOY_LAUNCHER_RUN_H_
