// The options of a reassembler, and their flags.
#ifndef FLOWSTITCH_REASSEMBLER_REASSEMBLER_OPTIONS_H_
#define FLOWSTITCH_REASSEMBLER_REASSEMBLER_OPTIONS_H_

#include <CLI/CLI.hpp>
#include <string>
#include <vector>

#include "reassembler/tcp_limits.h"
#include "transport/link_limits.h"

namespace flowstitch {

struct ReassemblerOptions {
  std::string captures = "tcp://127.0.0.1:9471";
  std::string sinks = "tcp://127.0.0.1:9472";  // "none": only the tap
  std::string tap;
  std::string name;
  uint32_t sources = 0;  // 0: any number, until stopped
  uint32_t wait_sinks = 0;
  uint32_t shard = 0;
  int reorder_window_ms = 500;
  size_t window_bytes = kDefaultWindowBytes;
  size_t buffer_bytes = kDefaultSendBufferBytes;
  TcpLimits limits;
};

void AddReassemblerFlags(CLI::App& app, ReassemblerOptions* options);
std::vector<std::string> ReassemblerArguments(const ReassemblerOptions& options);

}  // namespace flowstitch

#endif  // FLOWSTITCH_REASSEMBLER_REASSEMBLER_OPTIONS_H_
