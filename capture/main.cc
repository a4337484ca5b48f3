// flowstitch-capture: frames from an interface or files to a reassembler.
#include <CLI/CLI.hpp>

#include "absl/strings/str_join.h"
#include "base/process/command_line.h"
#include "base/process/program.h"
#include "base/process/sandbox.h"
#include "capture/capture_sandbox.h"
#include "capture/capture_stage.h"
#include "transport/link_files.h"

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
  options.privileges = OfInvokingUser(options.privileges);
  absl::Status status = CheckCaptureOptions(options);
  if (!status.ok()) {
    Report(status);
    return kExitBadUsage;
  }
  CatchStopSignals();
  KeepFreedMemory();
  ProcessServices services;
  status = services.Open(options.security, options.metrics, options.memory);
  if (!status.ok()) return Report(status);
  RemoveStaleSockets({options.tap});
  CaptureInputs inputs = CaptureInputs::Open(options);
  status = DropPrivileges(options.privileges, "");
  // Foreign bytes are parsed from here on.
  if (status.ok()) Confine(CaptureSandbox(options, inputs));
  if (status.ok()) status = services.Start();
  if (status.ok()) {
    status = Guard(
        [&] { return RunCaptureStage(options, services, StopRequests(), std::move(inputs)); });
  }
  return Report(status);
}
