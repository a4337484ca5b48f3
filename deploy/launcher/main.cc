// flowstitch: the single-host launcher, with tcpflow's command line.
#include <spdlog/spdlog.h>
#include <CLI/CLI.hpp>

#include <cstdio>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "base/process/command_line.h"
#include "base/process/program.h"
#include "capture/capture_stage.h"
#include "deploy/launcher/run.h"
#include "reassembler/reassembler_stage.h"
#include "sinks/sink_checks.h"

namespace flowstitch {
namespace {

absl::Status Check(const LauncherOptions& options) {
  if (const absl::Status status = CheckCaptureOptions(options.capture); !status.ok()) {
    return absl::InvalidArgumentError(absl::StrCat(status.message(), FileAmongWords(options)));
  }
  if (const absl::Status status = CheckSecurity(options.security); !status.ok()) return status;
  if (const absl::Status status = CheckSinkOptions(options.sink); !status.ok()) return status;
  return CheckOutputsAreNoInputs(options.sink, options.capture.AllFiles());
}

int Run(LauncherOptions options) {
  if (!options.as_tcpflow) {
    options.capture.privileges = OfInvokingUser(options.capture.privileges);
  }
  return options.processes ? RunChildProcesses(std::move(options))
                           : RunInProcess(std::move(options));
}

}  // namespace
}  // namespace flowstitch

int main(int argc, char** argv) {
  using namespace flowstitch;
  CLI::App app(
      "Rebuilds the byte streams of TCP connections from packets and writes them to files.\n"
      "Example: flowstitch -a -r capture.pcap -o out",
      "flowstitch");
  LauncherOptions options;
  AddLauncherFlags(app, &options);
  app.footer(TemplateHelp() + WritersHelp());
  const std::string invoked = argc > 0 ? argv[0] : "";
  options.as_tcpflow = invoked == "tcpflow" || absl::EndsWith(invoked, "/tcpflow");
  if (const auto status = ParseCommandLine(app, argc, argv, MostUsedOptions())) return *status;
  absl::Status status = ResolveLauncherOptions(
      absl::StrJoin(std::vector<std::string>(argv, argv + argc), " "), &options);
  SetUpLog(options.log_prefix.empty() ? "flowstitch" : options.log_prefix, options.says_more());
  if (status.ok()) status = Check(options);
  if (!status.ok()) {
    Report(status);
    return kExitBadUsage;
  }
  for (const std::string& letter : options.deprecated) {
    spdlog::warn("-A{} does nothing: -a switches everything on", letter);
  }
  if (options.as_tcpflow && options.sink.dfxml) {
    std::fprintf(stderr, "reportfilename: %s\n", ReportPath(options.sink).c_str());
  }
  CatchStopSignals();
  KeepFreedMemory();
  return Run(std::move(options));
}
