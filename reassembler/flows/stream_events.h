// What the core tells: events of flows, in order. Views are valid during the call only.
#ifndef FLOWSTITCH_REASSEMBLER_FLOWS_STREAM_EVENTS_H_
#define FLOWSTITCH_REASSEMBLER_FLOWS_STREAM_EVENTS_H_

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/bytes.h"
#include "base/capture_time.h"
#include "base/direction.h"
#include "base/flow_facts.h"
#include "base/flow_key.h"
#include "base/frame.h"
#include "base/frames/link_layer.h"
#include "base/frames/tunnels.h"
#include "base/stream_summary.h"

namespace flowstitch {

using FlowId = uint64_t;

// See base/flow_id.h.
inline FlowId MakeFlowId(uint64_t number, const FlowKey& key) {
  return (number << 8) | (SymmetricHash(key) & 0xff);
}

struct FlowInfo {
  FlowId id = 0;
  Endpoint client;
  Endpoint server;
  TimeNs first_time_ns = 0;
  LinkLayer link;      // of the first segment; MACs turned so that source is the client
  TunnelPath tunnels;  // around the first segment
  uint8_t protocol = 6;
  OpenedBy opened_by = OpenedBy::kGuess;
  bool mid_stream = false;
  // Payload of a SYN that nobody answered: it was sent, and perhaps not taken.
  bool unconfirmed = false;
  // A flow that was closed as idle or evicted and goes on here, and where its streams had ended.
  FlowId continues = 0;
  bool continued = false;
  std::array<uint64_t, 2> start_offset = {};
};

struct FlowEnd {
  CloseReason reason = CloseReason::kOpenAtEnd;
  TimeNs time_ns = 0;
  std::array<StreamSummary, 2> summaries;
  std::string_view history;  // see flow_history.h
};

struct Conflict {
  uint64_t offset = 0;
  uint64_t length = 0;
  ByteView kept;
  ByteView dropped;
};

// What is known of the segment that brought bytes.
struct BytesInfo {
  TimeNs time_ns = 0;
  // How much of the other direction its sender had: an offset of that stream. Absent: not known.
  std::optional<uint64_t> acknowledged;
};

class StreamEvents {
 public:
  virtual ~StreamEvents() = default;
  virtual void OnFlowOpened(const FlowInfo& flow) = 0;
  // The other direction came through other VLANs than the flow's first segment; before its bytes.
  virtual void OnVlans(FlowId /*flow*/, Direction /*direction*/, const VlanTags& /*vlans*/) {}
  // Of a UDP flow, one call is one datagram, also an empty one.
  virtual void OnBytes(FlowId flow, Direction direction, uint64_t offset, ByteView bytes,
                       const BytesInfo& info) = 0;
  virtual void OnGap(FlowId flow, Direction direction, uint64_t offset, uint64_t length,
                     GapReason reason, TimeNs time_ns) = 0;
  virtual void OnConflict(FlowId flow, Direction direction, const Conflict& conflict,
                          TimeNs time_ns) = 0;
  virtual void OnFlowClosed(FlowId flow, const FlowEnd& end) = 0;
  // Only when asked for (FrameChoice): a frame that became part of a flow, or of none. `payload`
  // lies in the frame; it is empty where the frame has none. May come after the flow has closed,
  // for a late repeat or the last acknowledgement.
  virtual void OnFrame(std::optional<FlowId> /*flow*/, Direction /*direction*/,
                       const Frame& /*frame*/, ByteView /*payload*/) {}
};

}  // namespace flowstitch

#endif  // FLOWSTITCH_REASSEMBLER_FLOWS_STREAM_EVENTS_H_
