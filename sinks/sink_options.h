// The options of a sink, and their flags.
#ifndef FLOWSTITCH_SINKS_SINK_OPTIONS_H_
#define FLOWSTITCH_SINKS_SINK_OPTIONS_H_

#include <CLI/CLI.hpp>
#include <string>
#include <vector>

#include "base/durability.h"
#include "base/option_table.h"
#include "base/process/privileges.h"
#include "sinks/records/alerts/alerts.h"
#include "sinks/records/dfxml/flow_element.h"
#include "sinks/streams/digests.h"
#include "sinks/streams/file_names.h"
#include "sinks/writer_list.h"
#include "sinks/writers/console/console_kind.h"
#include "sinks/writers/content/content_kind.h"
#include "sinks/writers/netviz/netviz_kind.h"
#include "transport/link/link_limits.h"
#include "transport/link_security.h"
#include "transport/memory_descriptors.h"
#include "transport/metrics_server.h"

namespace flowstitch {

struct SinkOptions {
  std::string reassembler = "tcp://127.0.0.1:9472";
  std::string name;
  SecurityOptions security;
  std::string metrics;       // HOST:PORT; empty: none
  MemoryDescriptors memory;  // to read
  std::string directory = ".";
  bool files = false;
  WriterList writers;                 // all others; they hold their own options
  std::string key_log;                // path; empty: none
  std::vector<std::string> tls_keys;  // PEM files with servers' private keys
  bool dfxml = false;
  std::string json;         // path; empty: not written
  std::string report_path;  // empty: report.xml in the directory
  ReportForm report_form = ReportForm::kDfxml;
  int64_t report_roll_s = 0;
  AlertOptions file_alerts;
  AlertOptions body_alerts;
  DigestChoice digests;
  std::string name_template = kDefaultNameTemplate;
  std::string format_letters;  // tcpflow's -F
  int64_t max_bytes = -1;
  int workers = 0;          // 0: chosen by the number of cores
  int max_descriptors = 0;  // 0: what the system allows, less some
  std::string shard = "0/1";
  size_t window_bytes = kDefaultWindowBytes;
  uint64_t memory_bytes = 0;  // that traffic may make it hold; 0: DefaultMemory()
  Durability durable = Durability::kOff;
  bool journal = true;       // so that a sink of this name can go on where this one was killed
  std::string command_line;  // for the report
  bool summary = false;      // a short ledger on standard error at the end
  Privileges privileges;

  ContentWriterKind& content() const { return writers.Get<ContentWriterKind>(); }
  ConsoleWriterKind& console() const { return writers.Get<ConsoleWriterKind>(); }
  NetvizWriterKind& netviz() const { return writers.Get<NetvizWriterKind>(); }
};

// Options that both the sink and the launcher have.
OptionTable ReportOptionTable(SinkOptions* options);
OptionTable TlsOptionTable(SinkOptions* options);
OptionTable MaxBytesOptionTable(int64_t* bytes);

void AddSinkFlags(CLI::App& app, SinkOptions* options);
std::vector<std::string> SinkArguments(SinkOptions options);

// "k/n" with k < n.
bool ParseShard(const std::string& text, uint32_t* shard, uint32_t* shards);

}  // namespace flowstitch

#endif  // FLOWSTITCH_SINKS_SINK_OPTIONS_H_
