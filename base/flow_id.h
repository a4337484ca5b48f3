// A flow's id, unique among all reassemblers of one deployment: from the high end 16 bits of the
// reassembler's shard, 40 that count its flows, and 8 of a hash of the endpoints, by which sinks
// divide flows.
#ifndef FLOWSTITCH_BASE_FLOW_ID_H_
#define FLOWSTITCH_BASE_FLOW_ID_H_

#include <cstdint>

namespace flowstitch {

inline constexpr uint32_t kMaxShard = 65535;

// Numbers of flows, with the shard: the id without the hash.
inline constexpr uint64_t FirstFlowNumber(uint32_t shard) { return uint64_t{shard} << 40; }
// How people and files call a flow.
inline constexpr uint64_t NumberOfFlow(uint64_t flow_id) { return flow_id >> 8; }
inline constexpr uint32_t ShardOfFlow(uint64_t flow_id) {
  return static_cast<uint32_t>(flow_id >> 48);
}

}  // namespace flowstitch

#endif  // FLOWSTITCH_BASE_FLOW_ID_H_
