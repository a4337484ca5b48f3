// flowstitch-reassembler: packets of any number of sources to streams for any number of sinks.
#include <CLI/CLI.hpp>

#include "base/program.h"
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
  app.set_version_flag("-V,--version", "flowstitch-reassembler " FLOWSTITCH_VERSION);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? kExitOk : kExitBadUsage;
  }
  SetUpLog("flowstitch-reassembler", verbose);
  if (const auto status = CheckReassemblerOptions(options); !status.ok()) {
    Report(status);
    return kExitBadUsage;
  }
  CatchStopSignals();
  KeepFreedMemory();
  zmq::context_t context;
  return Report(RunReassemblerStage(options, context, StopRequests()));
}
