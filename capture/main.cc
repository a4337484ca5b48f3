// flowstitch-capture: frames from an interface or files to a reassembler.
#include <CLI/CLI.hpp>

#include "absl/strings/str_join.h"
#include "base/program.h"
#include "capture/capture_stage.h"

int main(int argc, char** argv) {
  using namespace flowstitch;
  CLI::App app("Reads frames from an interface or capture files and sends them to a reassembler.",
               "flowstitch-capture");
  CaptureOptions options;
  options.name = HostName();
  std::vector<std::string> filter_words;
  bool verbose = false;
  AddCaptureFlags(app, &options, &filter_words);
  app.add_flag("-v,--verbose", verbose, "Say more.");
  app.set_version_flag("-V,--version", "flowstitch-capture " FLOWSTITCH_VERSION);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? kExitOk : kExitBadUsage;
  }
  options.filter = absl::StrJoin(filter_words, " ");
  SetUpLog("flowstitch-capture", verbose);
  if (const auto status = CheckCaptureOptions(options); !status.ok()) {
    Report(status);
    return kExitBadUsage;
  }
  CatchStopSignals();
  KeepFreedMemory();
  zmq::context_t context;
  return Report(RunCaptureStage(options, context, StopRequests(), nullptr));
}
