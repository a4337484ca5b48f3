// The two ways to run the three stages on one host. Both use the stages' own options and nothing
// else.
#ifndef FLOWSTITCH_DEPLOY_LAUNCHER_RUN_H_
#define FLOWSTITCH_DEPLOY_LAUNCHER_RUN_H_

#include "capture/capture_inputs.h"
#include "deploy/launcher/launcher_options.h"

namespace flowstitch {

// In threads of this process, over inproc. Returns the exit status; errors have been said.
// `inputs` are those that are open already.
int RunInProcess(LauncherOptions options, CaptureInputs inputs);

// As child processes, over ipc in a directory of their own, with signals passed on in order.
int RunChildProcesses(LauncherOptions options);

}  // namespace flowstitch

#endif  // FLOWSTITCH_DEPLOY_LAUNCHER_RUN_H_
