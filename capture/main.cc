// flowstitch-capture: frames from an interface or files to a reassembler.
#include <CLI/CLI.hpp>

#include "absl/strings/str_join.h"
#include "base/command_line.h"
#include "base/program.h"
#include "capture/capture_stage.h"

int main(int argc, char** argv) {
  using namespace flowstitch;
  CLI::App app("Reads frames from an interface or capture files and sends them to a reassembler.",
               "flowstitch-capture");
  CaptureOptions options;
  std::vector<std::string> filter_words;
  bool verbose = false;
  AddCaptureFlags(app, &options, &filter_words);
  app.add_flag("-v,--verbose", verbose, "Say more.");
  if (const auto status = ParseCommandLine(app, argc, argv)) return *status;
  if (options.name.empty()) options.name = DefaultName(options.security, HostName());
  options.filter = absl::StrJoin(filter_words, " ");
  SetUpLog("flowstitch-capture", verbose);
  if (const auto status = CheckCaptureOptions(options); !status.ok()) {
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
  CaptureInputs inputs;
  if (options.privileges.any()) {
    auto opened = CaptureInputs::Open(options);
    if (!opened.ok()) return Report(opened.status());
    inputs = *std::move(opened);
    if (const auto status = DropPrivileges(options.privileges, ""); !status.ok())
      return Report(status);
  }
  return Report(RunCaptureStage(options, services, StopRequests(), nullptr, std::move(inputs)));
}
