// The options of a reassembler, and their flags.
#ifndef FLOWSTITCH_REASSEMBLER_REASSEMBLER_OPTIONS_H_
#define FLOWSTITCH_REASSEMBLER_REASSEMBLER_OPTIONS_H_

#include <CLI/CLI.hpp>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "reassembler/flows/reassembler.h"
#include "transport/link/link_limits.h"
#include "transport/link_security.h"
#include "transport/memory_descriptors.h"
#include "transport/metrics_server.h"

namespace flowstitch {

struct ReassemblerOptions {
  std::string user;  // become this user at once; empty: stay
  std::string captures = "tcp://127.0.0.1:9471";
  std::string sinks = "tcp://127.0.0.1:9472";  // "none": only the tap
  std::string tap;
  SecurityOptions security;
  std::string metrics;  // HOST:PORT; empty: none
  MemoryDescriptors memory;
  std::string name;
  uint32_t sources = 0;  // 0: any number, until stopped
  uint32_t wait_sinks = 0;
  uint32_t shard = 0;
  int reorder_window_ms = 500;
  size_t window_bytes = kDefaultWindowBytes;
  size_t buffer_bytes = kDefaultSendBufferBytes;
  ReassemblyOptions core;
  uint64_t memory_bytes = 0;    // that traffic may make it hold; 0: DefaultMemory()
  bool feeds_own_sink = false;  // in this process, which holds the flows too
  uint16_t community_id_seed = 0;
  // Limits that tests force, by name; see ApplySimulation.
  std::vector<std::string> simulate;
};

// Limits that --simulate names are set so low that they are reached at once.
absl::Status ApplySimulation(const std::vector<std::string>& names, ReassemblyOptions* options);

// The options of the core, with no limit beyond what the memory allows.
ReassemblyOptions WithinMemory(const ReassemblerOptions& options);

// Flags that say how to reassemble; the launcher has them too.
void AddReassemblyFlags(CLI::App& app, ReassemblerOptions* options);
// All flags of the process.
void AddReassemblerFlags(CLI::App& app, ReassemblerOptions* options);
std::vector<std::string> ReassemblerArguments(ReassemblerOptions options);

}  // namespace flowstitch

#endif  // FLOWSTITCH_REASSEMBLER_REASSEMBLER_OPTIONS_H_
