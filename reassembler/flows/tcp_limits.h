// Limits and choices of the TCP core: name, unit, default, what happens when a limit is reached,
// what counts it.
#ifndef FLOWSTITCH_REASSEMBLER_FLOWS_TCP_LIMITS_H_
#define FLOWSTITCH_REASSEMBLER_FLOWS_TCP_LIMITS_H_

#include <cstddef>
#include <cstdint>

#include "base/capture_time.h"
#include "reassembler/frames/overlap_policy.h"

namespace flowstitch {

struct TcpLimits {
  // Open flows. Full: the one that was silent longest is closed (EVICTED; flows_evicted).
  size_t flows = 2'000'000;
  // Connection attempts. Full: the oldest is forgotten (half_open_expired).
  size_t half_open_flows = 2'000'000;
  // Memories of closed flows. Full: the oldest is forgotten (tombstones_evicted).
  size_t tombstones = 500'000;
  // Flows of the same addresses and ports at once. Full: the oldest is closed (REPLACED).
  size_t siblings = 8;
  // Bytes that wait behind a hole. A stream's limit: its first hole becomes a gap (STREAM_LIMIT).
  size_t stream_waiting_bytes = size_t{16} << 20;
  // Of all streams: the first hole of the stream that brings more becomes a gap (MEMORY_LIMIT).
  size_t all_waiting_bytes = size_t{256} << 20;
  // A segment further from what was seen of its stream does not belong to it (out_of_window_bytes).
  uint64_t window_slack_bytes = uint64_t{16} << 20;
  // An acknowledgement may lead what was seen by so much and still say something about holes.
  uint64_t acknowledgement_lead_bytes = uint64_t{64} << 20;
  // Segments, and their bytes, that belong to no flow of their ends and wait for others that show
  // that there is one. Full: they are dropped (out_of_window_bytes).
  size_t strays = 8;
  size_t stray_bytes = size_t{64} << 10;
  // Unanswered SYNs of one sender whose payload is delivered, at a time. Full: that of others is
  // not (unconfirmed_bytes).
  size_t unanswered_syns = 64;
  // Delivered bytes, of all streams together, against which repeats are compared.
  size_t conflict_window_bytes = size_t{16} << 20;

  // A hole that the peer acknowledged: time and waiting bytes until it becomes a gap
  // (ACKNOWLEDGED).
  int64_t acknowledged_grace_ns = 5 * kNsPerSecond;
  size_t acknowledged_grace_bytes = size_t{4} << 20;
  // A hole that nobody acknowledged (NOT_ACKNOWLEDGED).
  int64_t unacknowledged_grace_ns = 60 * kNsPerSecond;
  // A stream that was picked up without its SYN waits so long for data that lies earlier.
  int64_t start_hold_ns = 1 * kNsPerSecond;
  size_t start_hold_bytes = size_t{256} << 10;

  // A flow silent for so long is closed (IDLE), and remembered for as long again.
  int64_t idle_timeout_ns = 2 * 3600 * kNsPerSecond;
  int64_t half_open_timeout_ns = 120 * kNsPerSecond;
  int64_t tombstone_ns = 240 * kNsPerSecond;
  // After a reset, what the other side still had under way is taken for so long.
  int64_t reset_linger_ns = 10 * kNsPerSecond;
  // A SYN with another number replaces a flow that was silent for so long.
  int64_t replace_idle_ns = 60 * kNsPerSecond;
  // A flow beside which another of the same ends was opened is closed (REPLACED) when it is silent
  // for so long.
  int64_t superseded_ns = 30 * kNsPerSecond;

  // Which copy of a byte counts while it waits behind a hole.
  OverlapPolicy overlap = OverlapPolicy::kFirst;
  // Whether two sequence spaces between the same ends are two flows. If not, the newer replaces the
  // older.
  bool split_spaces = true;
};

}  // namespace flowstitch

#endif  // FLOWSTITCH_REASSEMBLER_FLOWS_TCP_LIMITS_H_
