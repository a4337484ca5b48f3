// flowstitch-reassembler: packets of any number of sources to streams for any number of sinks.
#include <spdlog/spdlog.h>

#include <CLI/CLI.hpp>

#include "base/command_line.h"
#include "base/privileges.h"
#include "base/program.h"
#include "base/sandbox.h"
#include "reassembler/reassembler_stage.h"

int main(int argc, char** argv) {
  using namespace flowstitch;
  CLI::App app("Merges the packets of its sources, rebuilds TCP streams, and gives them to sinks.",
               "flowstitch-reassembler");
  ReassemblerOptions options;
  options.name = HostName();
  bool verbose = false;
  AddReassemblerFlags(app, &options);
  app.add_flag("-v,--verbose", verbose, "Say more.");
  if (const auto status = ParseCommandLine(app, argc, argv)) return *status;
  SetUpLog("flowstitch-reassembler", verbose);
  absl::Status status = CheckReassemblerOptions(options);
  if (status.ok()) status = CheckPrivileges({options.user, ""});
  if (!status.ok()) {
    Report(status);
    return kExitBadUsage;
  }
  CatchStopSignals();
  KeepFreedMemory();
  ProcessServices services;
  const absl::Status opened_services = services.Open(options.security, options.metrics);
  if (!opened_services.ok()) return Report(opened_services);
  const absl::Status opened_memory = services.OpenMemory(options.memory);
  if (!opened_memory.ok()) return Report(opened_memory);
  status = DropPrivileges({options.user, ""}, "");
  if (!status.ok()) return Report(status);
  // Foreign bytes are parsed from here on.
  if (const absl::Status boxed = EnterSandbox({}); !boxed.ok()) {
    spdlog::warn("{}; it goes on without", std::string(boxed.message()));
  }
  return Report(RunReassemblerStage(options, services, StopRequests()));
}
