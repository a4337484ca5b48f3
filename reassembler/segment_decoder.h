// From a frame to a TCP segment, or to the reason why there is none.
#ifndef FLOWSTITCH_REASSEMBLER_SEGMENT_DECODER_H_
#define FLOWSTITCH_REASSEMBLER_SEGMENT_DECODER_H_

#include "base/flow_key.h"
#include "base/frame.h"
#include "reassembler/ip_header.h"
#include "reassembler/link_layer.h"
#include "reassembler/tcp_header.h"

namespace flowstitch {

// A TCP segment on its way into the reassembler. Views are valid during the call only.
struct Segment {
  FlowKey key;
  bool from_high = false;
  TcpHeader tcp;
  uint32_t truncated = 0;  // payload bytes that the capture cut off
  TimeNs time_ns = 0;
  uint32_t wire_length = 0;  // of the frame
  uint32_t captured_length = 0;
  const LinkLayer* link = nullptr;
};

inline bool Has(const Segment& s, uint8_t flag) { return (s.tcp.flags & flag) != 0; }
inline bool IsSyn(const Segment& s) { return Has(s, kTcpSyn); }
inline bool IsPureSyn(const Segment& s) { return IsSyn(s) && !Has(s, kTcpAck); }
inline bool BringsData(const Segment& s) { return !s.tcp.payload.empty() || s.truncated > 0; }

enum class DatagramVerdict : uint8_t { kSegment, kNotTcp, kMalformed };

// A whole datagram's payload to a segment.
DatagramVerdict ReadSegment(const IpHeader& ip, Segment* segment);

}  // namespace flowstitch

#endif  // FLOWSTITCH_REASSEMBLER_SEGMENT_DECODER_H_
