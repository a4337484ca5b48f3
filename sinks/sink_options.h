// The options of a sink, and their flags.
#ifndef FLOWSTITCH_SINKS_SINK_OPTIONS_H_
#define FLOWSTITCH_SINKS_SINK_OPTIONS_H_

#include <CLI/CLI.hpp>
#include <string>
#include <vector>

#include "sinks/console/console_writer.h"
#include "sinks/digests.h"
#include "sinks/file_names.h"
#include "transport/link_limits.h"

namespace flowstitch {

struct SinkOptions {
  std::string reassembler = "tcp://127.0.0.1:9472";
  std::string name;
  std::string directory = ".";
  bool files = false;
  bool http = false;
  bool dfxml = false;
  bool console = false;
  ConsoleOptions console_form;
  std::string report_path;  // empty: report.xml in the directory
  DigestChoice digests;
  std::string name_template = kDefaultNameTemplate;
  std::string format_letters;  // tcpflow's -F
  int64_t max_bytes = -1;
  int workers = 0;          // 0: chosen by the number of cores
  int max_descriptors = 0;  // 0: what the system allows, less some
  std::string shard = "0/1";
  size_t window_bytes = kDefaultWindowBytes;
  std::string command_line;  // for the report
  bool summary = false;      // a short ledger on standard error at the end
};

void AddSinkFlags(CLI::App& app, SinkOptions* options);
std::vector<std::string> SinkArguments(const SinkOptions& options);

// "k/n" with k < n.
bool ParseShard(const std::string& text, uint32_t* shard, uint32_t* shards);

}  // namespace flowstitch

#endif  // FLOWSTITCH_SINKS_SINK_OPTIONS_H_
