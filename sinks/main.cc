// flowstitch-sink: streams of a reassembler to files and reports.
#include <spdlog/spdlog.h>

#include <CLI/CLI.hpp>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "base/command_line.h"
#include "base/program.h"
#include "base/sandbox.h"
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
  if (const auto status = CheckSinkOptions(options); !status.ok()) {
    Report(status);
    return kExitBadUsage;
  }
  CatchStopSignals();
  KeepFreedMemory();
  ReserveSinkDescriptors(options);
  ProcessServices services;
  const absl::Status opened_services = services.Open(options.security, options.metrics);
  if (!opened_services.ok()) return Report(opened_services);
  const absl::Status opened_memory = services.OpenMemory(options.memory);
  if (!opened_memory.ok()) return Report(opened_memory);
  const auto dropped =
      DropPrivileges(options.privileges, NeedsDirectory(options) ? options.directory : "");
  if (!dropped.ok()) return Report(dropped);
  SandboxOptions sandbox;
  sandbox.writes_files = true;
  sandbox.runs_commands =
      !options.file_alerts.command.empty() || !options.body_alerts.command.empty();
  // Foreign bytes are parsed from here on.
  if (const absl::Status boxed = EnterSandbox(sandbox); !boxed.ok()) {
    spdlog::warn("{}; it goes on without", std::string(boxed.message()));
  }
  return Report(RunSinkStage(options, services, StopRequests()));
}
