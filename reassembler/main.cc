// flowstitch-reassembler: packets of any number of sources to streams for any number of sinks.
#include <CLI/CLI.hpp>

#include "base/process/command_line.h"
#include "base/process/privileges.h"
#include "base/process/program.h"
#include "base/process/sandbox.h"
#include "reassembler/reassembler_sandbox.h"
#include "reassembler/reassembler_stage.h"
#include "transport/link_files.h"

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
  const Privileges privileges = OfInvokingUser({options.user, ""});
  absl::Status status = CheckReassemblerOptions(options);
  if (status.ok()) status = CheckPrivileges(privileges);
  if (!status.ok()) {
    Report(status);
    return kExitBadUsage;
  }
  CatchStopSignals();
  KeepFreedMemory();
  ProcessServices services;
  status = services.Open(options.security, options.metrics, options.memory);
  if (status.ok()) RemoveStaleSockets({options.captures, options.sinks, options.tap});
  if (status.ok()) status = DropPrivileges(privileges, "");
  // Foreign bytes are parsed from here on.
  if (status.ok()) Confine(ReassemblerSandbox(options));
  if (status.ok()) status = services.Start();
  if (status.ok())
    status = Guard([&] { return RunReassemblerStage(options, services, StopRequests()); });
  return Report(status);
}
