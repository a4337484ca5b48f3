// What traffic may make a process hold, as one sum (--memory) and its shares. Every table, buffer
// and parser that packets can fill has a limit that is a share of it, so that whoever sends them
// cannot choose how much memory a process takes.
#ifndef FLOWSTITCH_BASE_MEMORY_MEMORY_PLAN_H_
#define FLOWSTITCH_BASE_MEMORY_MEMORY_PLAN_H_

#include <cstddef>
#include <cstdint>
#include <string>

namespace flowstitch {

// Shares of one sum, in bytes unless the name says otherwise.
struct MemoryPlan {
  uint64_t total = 0;
  // Of the reassembler. A flow costs more where the sink is in the same process.
  size_t open_flows = 0;       // three eighths; flows
  size_t half_open_flows = 0;  // a thirty-second; flows
  size_t tombstones = 0;       // a thirty-second; flows
  size_t udp_flows = 0;        // an eighth; flows
  size_t waiting_bytes = 0;    // an eighth
  // Of the sink, all its workers together.
  size_t parser_bytes = 0;   // an eighth: HTTP, TLS, WebSocket
  size_t decoder_bytes = 0;  // a sixteenth: windows of gzip, brotli, zstd
  size_t piece_bytes = 0;    // a sixteenth: beginnings of files that are not on the disk yet
};

// What one open flow costs in a reassembler, measured (tests/bench/flow_memory), and in a sink.
inline constexpr size_t kOpenFlowBytes = 1024;
inline constexpr size_t kHalfOpenFlowBytes = 192;
inline constexpr size_t kTombstoneBytes = 256;
inline constexpr size_t kSinkFlowBytes = 3072;

// `with_sink`: the flows of this sum are kept by a sink too.
MemoryPlan PlanMemory(uint64_t total, bool with_sink);

// A quarter of the machine's memory, or of what the control group of this process may use, as it
// was at the first call.
uint64_t DefaultMemory();

// Less is too little for anything to work.
inline constexpr uint64_t kLeastMemory = uint64_t{64} << 20;

}  // namespace flowstitch

#endif  // FLOWSTITCH_BASE_MEMORY_MEMORY_PLAN_H_
