// flowstitch-sink: streams of a reassembler to files and reports.
#include <CLI/CLI.hpp>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "base/process/command_line.h"
#include "base/process/program.h"
#include "base/process/sandbox.h"
#include "sinks/sink_checks.h"
#include "sinks/sink_sandbox.h"
#include "sinks/sink_stage.h"
#include "sinks/worker_setup.h"

int main(int argc, char** argv) {
  using namespace flowstitch;
  CLI::App app("Writes the streams that a reassembler gives: flow files, HTTP bodies, a report.",
               "flowstitch-sink");
  SinkOptions options;
  bool verbose = false;
  AddSinkFlags(app, &options);
  app.footer(TemplateHelp());
  app.add_flag("-v,--verbose", verbose, "Say more.");
  if (const auto status = ParseCommandLine(app, argc, argv)) return *status;
  SetUpLog("flowstitch-sink", verbose);
  if (options.name.empty()) {
    options.name = DefaultName(options.security, absl::StrCat(HostName(), "-", options.shard));
  }
  if (options.command_line.empty()) {
    options.command_line = absl::StrJoin(std::vector<std::string>(argv, argv + argc), " ");
  }
  options.privileges = OfInvokingUser(options.privileges);
  absl::Status status = CheckSinkOptions(options);
  if (status.ok()) status = CheckOutputsAreNoInputs(options, {});
  if (!status.ok()) {
    Report(status);
    return kExitBadUsage;
  }
  CatchStopSignals();
  KeepFreedMemory();
  ReserveSinkDescriptors(options);
  ProcessServices services;
  status = services.Open(options.security, options.metrics, options.memory);
  if (status.ok()) {
    status = DropPrivileges(options.privileges, NeedsDirectory(options) ? options.directory : "");
  }
  if (status.ok()) status = PrepareSink(&options);
  // Foreign bytes are parsed from here on.
  if (status.ok()) Confine(SinkSandbox(options));
  if (status.ok()) status = services.Start();
  if (status.ok()) status = Guard([&] { return RunSinkStage(options, services, StopRequests()); });
  return Report(status);
}
