// What a sink may do once its directory is there and its commands have their helper.
#ifndef FLOWSTITCH_SINKS_SINK_SANDBOX_H_
#define FLOWSTITCH_SINKS_SINK_SANDBOX_H_

#include "absl/status/status.h"
#include "base/process/sandbox.h"
#include "sinks/sink_options.h"

namespace flowstitch {

// Makes the output directory and starts the helpers of commands, with the rights that the commands
// are to have: before the process has threads.
absl::Status PrepareSink(SinkOptions* options);

// | system calls | files to read                          | files to write |
// |--------------|----------------------------------------|----------------------------------------|
// | writing ones | keys, the key log, libmagic's database | the output directory, and those of the
// | |              |                                        | report, JSON lines and other frames |
SandboxOptions SinkSandbox(const SinkOptions& options);

}  // namespace flowstitch

#endif  // FLOWSTITCH_SINKS_SINK_SANDBOX_H_
