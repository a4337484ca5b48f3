// tcpflow's command line, turned into the options of the three stages. The launcher adds no second
// way to do anything: what it runs could be typed as three commands.
#ifndef FLOWSTITCH_DEPLOY_LAUNCHER_LAUNCHER_OPTIONS_H_
#define FLOWSTITCH_DEPLOY_LAUNCHER_LAUNCHER_OPTIONS_H_

#include "absl/status/status.h"
#include "capture/capture_options.h"
#include "reassembler/reassembler_options.h"
#include "sinks/sink_options.h"

namespace flowstitch {

// What was typed.
struct LauncherOptions {
  CaptureOptions capture;
  SinkOptions sink;
  ReassemblerOptions reassembler;
  std::vector<std::string> filter_words;
  std::vector<std::string> enable;       // -e
  std::vector<std::string> enable_only;  // -E
  std::vector<std::string> disable;      // -x
  std::string format_letters;            // -F
  bool all = false;                      // -a
  bool console = false;                  // -c
  bool console_bare = false;             // -C
  bool strip = false;                    // -s: tcpflow's default, accepted
  int64_t max_seek = 16 << 20;           // -m
  bool quiet = false;                    // -q
  int verbose = 0;                       // -v
  bool processes = false;
};

void AddLauncherFlags(CLI::App& app, LauncherOptions* options);

// Turns what was typed into the stages' options; an error names what is wrong.
absl::Status ResolveLauncherOptions(const std::string& command_line, LauncherOptions* options);

}  // namespace flowstitch

#endif  // FLOWSTITCH_DEPLOY_LAUNCHER_LAUNCHER_OPTIONS_H_
