// The sink stage: streams from a reassembler in, files and reports out.
#ifndef FLOWSTITCH_SINKS_SINK_STAGE_H_
#define FLOWSTITCH_SINKS_SINK_STAGE_H_

#include <atomic>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "sinks/file_names.h"
#include "sinks/sink_options.h"
#include "transport/process_services.h"

namespace flowstitch {

// What cannot work is said before anything is started; makes the output directory.
absl::Status CheckSinkOptions(const SinkOptions& options);

// The template of the files' names; -F's letters count where they are given.
absl::StatusOr<NameTemplate> TemplateOf(const SinkOptions& options);
// Where the report goes.
std::string ReportPath(const SinkOptions& options);
// How many writers use standard output; more than one would mix.
int UsersOfOutput(const SinkOptions& options);
// An error that names the first output which is also one of `inputs` (paths; "-": standard input),
// by whatever names: to be asked before anything is opened to be written.
absl::Status CheckOutputsAreNoInputs(const SinkOptions& options, std::vector<std::string> inputs);
// Whether anything is written into the output directory.
bool NeedsDirectory(const SinkOptions& options);

// What PrepareSink() prepares is there. Runs until the reassembler has ended and everything is
// written. After one stop request it still waits for the reassembler's end, up to 5 s; after two it
// gives up.
absl::Status RunSinkStage(const SinkOptions& options, ProcessServices& services,
                          const std::atomic<int>& stop);

}  // namespace flowstitch

#endif  // FLOWSTITCH_SINKS_SINK_STAGE_H_
