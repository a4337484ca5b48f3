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
  std::vector<std::string> words;           // behind the options: the filter, or with -l files
  std::vector<std::string> enable;          // -e
  std::vector<std::string> enable_only;     // -E
  std::vector<std::string> disable;         // -x
  std::vector<std::string> settings;        // -S
  std::vector<std::string> deprecated;      // -A
  std::vector<std::string> format_letters;  // -F
  std::string log_prefix;                   // -S debug-prefix
  bool all = false;                         // -a
  bool words_are_files = false;             // -l
  bool console = false;                     // -c
  bool console_bare = false;                // -C
  bool strip = false;                       // -s: tcpflow's default, accepted
  bool no_purge = false;                    // -P: nothing is purged, accepted
  bool no_report = false;                   // -S enable_report=NO
  std::optional<int64_t> max_seek;          // -m
  bool quiet = false;                       // -q
  int debug_level = 1;                      // -d
  bool verbose = false;                     // -v
  SecurityOptions security;                 // of the taps
  std::string metrics;                      // HOST:PORT; empty: none
  uint64_t memory_bytes = 0;                // of all stages together; 0: DefaultMemory()
  bool processes = false;
  bool as_tcpflow = false;  // invoked under its name: its report, its messages, its console's order

  bool says_more() const { return verbose || debug_level > 1; }
};

void AddLauncherFlags(CLI::App& app, LauncherOptions* options);
// What -h lists.
const std::vector<std::string>& MostUsedOptions();

// Where the filter is wrong because the name of a file stands in it, what to do; empty otherwise.
std::string FileAmongWords(const LauncherOptions& options);

// Turns what was typed into the stages' options; an error names what is wrong.
absl::Status ResolveLauncherOptions(const std::string& command_line, LauncherOptions* options);

// One of tcpflow's settings, "NAME=VALUE".
absl::Status ApplySetting(const std::string& setting, LauncherOptions* options);
// What -H prints: the writers and settings, and what each does.
std::string WritersHelp();

}  // namespace flowstitch

#endif  // FLOWSTITCH_DEPLOY_LAUNCHER_LAUNCHER_OPTIONS_H_
