// A frame: what the link delivered. `bytes` are the captured ones, `wire_length` may be more.
#ifndef FLOWSTITCH_BASE_FRAME_H_
#define FLOWSTITCH_BASE_FRAME_H_

#include "base/bytes.h"
#include "base/capture_time.h"

namespace flowstitch {

struct Frame {
  ByteView bytes;
  uint32_t wire_length = 0;
  uint32_t link_type = 0;  // LINKTYPE_ value, see base/link_type.h
  TimeNs time_ns = 0;
  uint32_t source = 0;  // of the process that merges several: their number, from 0
  // It goes on with flows that are there, and opens none (tcpflow's -R).
  bool opens_no_flow = false;
};

// The largest frame that is read or captured; libpcap's MAXIMUM_SNAPLEN.
inline constexpr uint32_t kMaxFrameBytes = 262144;

}  // namespace flowstitch

#endif  // FLOWSTITCH_BASE_FRAME_H_
