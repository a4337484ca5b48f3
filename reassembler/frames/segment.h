// What a frame was opened for: a TCP segment or a UDP datagram, with what is known of its way.
// Views are valid during the call only.
#ifndef FLOWSTITCH_REASSEMBLER_FRAMES_SEGMENT_H_
#define FLOWSTITCH_REASSEMBLER_FRAMES_SEGMENT_H_

#include "base/capture_time.h"
#include "base/flow_key.h"
#include "base/frames/link_layer.h"
#include "base/frames/tunnels.h"
#include "reassembler/frames/tcp_header.h"

namespace flowstitch {

// How a payload came here.
struct Passage {
  FlowKey key;
  bool from_high = false;
  uint32_t truncated = 0;     // payload bytes that the capture cut off
  bool may_be_filled = true;  // a source may have captured more of it
  // The name of this copy, where a longer one may come; 0: none may.
  uint64_t digest = 0;
  // A copy of which the payload's first `known` bytes came before, under this name; 0: none did.
  uint64_t longer_than = 0;
  uint32_t known = 0;
  TimeNs time_ns = 0;
  uint32_t wire_length = 0;  // of the frame
  uint32_t captured_length = 0;
  bool in_frame = true;                 // the frame that brought it is still there
  bool opens_no_flow = false;           // see Frame
  ByteView transport;                   // the whole segment or datagram, headers and payload
  const LinkLayer* link = nullptr;      // of the frame itself
  const TunnelPath* tunnels = nullptr;  // never null
};

struct Segment : Passage {
  TcpHeader tcp;
  bool odd_flags = false;  // as they came; `tcp.flags` are what is made of them
};

struct UdpDatagram : Passage {
  ByteView payload;
};

inline bool Has(const Segment& s, uint8_t flag) { return (s.tcp.flags & flag) != 0; }
inline bool IsSyn(const Segment& s) { return Has(s, kTcpSyn); }
inline bool IsPureSyn(const Segment& s) { return IsSyn(s) && !Has(s, kTcpAck); }
inline bool BringsData(const Segment& s) { return !s.tcp.payload.empty() || s.truncated > 0; }

}  // namespace flowstitch

#endif  // FLOWSTITCH_REASSEMBLER_FRAMES_SEGMENT_H_
