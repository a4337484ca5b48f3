// What is asked of a sink's options before it is started.
#ifndef FLOWSTITCH_SINKS_SINK_CHECKS_H_
#define FLOWSTITCH_SINKS_SINK_CHECKS_H_

#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "sinks/sink_options.h"
#include "sinks/streams/file_names.h"

namespace flowstitch {

// What cannot work is said before anything is started; makes the output directory.
absl::Status CheckSinkOptions(const SinkOptions& options);

// The template of the files' names; -F's letters count where they are given.
absl::StatusOr<NameTemplate> TemplateOf(const SinkOptions& options);
// Where the report goes.
std::string ReportPath(const SinkOptions& options);
// Adds what writers write beside the files of flows; "-" is standard output.
void AddOwnOutputs(const SinkOptions& options, std::vector<std::string>* paths);
// How many writers use standard output; more than one would mix.
int UsersOfOutput(const SinkOptions& options);
// An error that names the first output which is also one of `inputs` (paths; "-": standard input),
// by whatever names: to be asked before anything is opened to be written.
absl::Status CheckOutputsAreNoInputs(const SinkOptions& options, std::vector<std::string> inputs);
// Whether anything is written into the output directory.
bool NeedsDirectory(const SinkOptions& options);

}  // namespace flowstitch

#endif  // FLOWSTITCH_SINKS_SINK_CHECKS_H_
