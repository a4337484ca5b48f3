// flowstitch: the single-host launcher, with tcpflow's command line.
#include <CLI/CLI.hpp>

#include "absl/strings/str_join.h"
#include "base/program.h"
#include "capture/capture_stage.h"
#include "deploy/launcher/run.h"
#include "reassembler/reassembler_stage.h"
#include "sinks/sink_stage.h"

int main(int argc, char** argv) {
  using namespace flowstitch;
  CLI::App app(
      "Rebuilds the byte streams of TCP connections from packets and writes them to files.\n"
      "Example: flowstitch -a -r capture.pcap -o out",
      "flowstitch");
  LauncherOptions options;
  AddLauncherFlags(app, &options);
  app.set_version_flag("-V,--version", "flowstitch " FLOWSTITCH_VERSION);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? kExitOk : kExitBadUsage;
  }
  SetUpLog("flowstitch", options.verbose > 0);
  const std::string command_line = absl::StrJoin(std::vector<std::string>(argv, argv + argc), " ");
  absl::Status status = ResolveLauncherOptions(command_line, &options);
  if (status.ok()) status = CheckCaptureOptions(options.capture);
  if (status.ok()) status = CheckSinkOptions(options.sink);
  if (!status.ok()) {
    Report(status);
    return kExitBadUsage;
  }
  CatchStopSignals();
  KeepFreedMemory();
  return options.processes ? RunChildProcesses(std::move(options))
                           : RunInProcess(std::move(options));
}
