// What is known of one direction of a flow at its end. The same names stand in
// proto/stream_batch.proto.
#ifndef FLOWSTITCH_BASE_STREAM_SUMMARY_H_
#define FLOWSTITCH_BASE_STREAM_SUMMARY_H_

#include <cstdint>

#include "base/capture_time.h"

namespace flowstitch {

#define FLOWSTITCH_STREAM_SUMMARY(X)                                                  \
  X(uint64_t, bytes, "length of the stream, gaps included")                           \
  X(uint64_t, packets, "segments, with and without payload")                          \
  X(uint64_t, wire_bytes, "bytes of the frames on the wire")                          \
  X(uint64_t, captured_bytes, "captured bytes of the frames")                         \
  X(uint64_t, retransmitted_bytes, "bytes of segments that brought nothing new")      \
  X(uint64_t, out_of_order_packets, "segments that came after a later one")           \
  X(uint64_t, overlapping_bytes, "seen bytes of segments that also brought new ones") \
  X(uint64_t, conflicting_bytes, "bytes seen twice with other content")               \
  X(uint64_t, gaps, "gaps in the stream")                                             \
  X(uint64_t, gap_bytes, "bytes that no sensor saw")                                  \
  X(uint64_t, truncated_bytes, "bytes the snapshot length cut off")                   \
  X(uint64_t, late_bytes, "bytes that came after their place had become a gap")       \
  X(bool, syn_seen, "a SYN was seen")                                                 \
  X(bool, fin_seen, "a FIN was seen")                                                 \
  X(bool, reset_seen, "a valid RST was seen")                                         \
  X(TimeNs, first_time_ns, "capture time of the first segment")                       \
  X(TimeNs, last_time_ns, "capture time of the last segment")

struct StreamSummary {
#define FLOWSTITCH_FIELD(type, name, help) type name = {};
  FLOWSTITCH_STREAM_SUMMARY(FLOWSTITCH_FIELD)
#undef FLOWSTITCH_FIELD
};

}  // namespace flowstitch

#endif  // FLOWSTITCH_BASE_STREAM_SUMMARY_H_
