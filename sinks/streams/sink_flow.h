// A flow as the writers see it.
#ifndef FLOWSTITCH_SINKS_STREAMS_SINK_FLOW_H_
#define FLOWSTITCH_SINKS_STREAMS_SINK_FLOW_H_

#include <array>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/container/inlined_vector.h"
#include "base/bytes.h"
#include "base/capture_time.h"
#include "base/direction.h"
#include "base/flow_facts.h"
#include "base/flow_key.h"
#include "base/stream_summary.h"

namespace flowstitch {

// No reassembler makes longer ones; a batch that does contradicts itself.
inline constexpr uint64_t kMaxGapBytes = uint64_t{256} << 20;

struct GapRecord {
  uint64_t offset = 0;
  uint64_t length = 0;
  GapReason reason = GapReason::kUnknown;
  TimeNs time_ns = 0;  // when it was given up
};

// One direction of a flow.
struct SinkStream {
  std::vector<uint16_t> vlan;  // outermost first
  bool outer_8021q = false;    // the outermost tag has the type 0x8100
  std::string path;            // of its file; empty before the first byte
  // Of the bytes that are being given: how much of the other direction their sender had.
  std::optional<uint64_t> acknowledged;
  std::string name;     // the same without the output directory
  uint64_t length = 0;  // so far, gaps included
  uint64_t known = 0;   // the same with a gap at the end, after which bytes may follow
  uint64_t bytes = 0;   // so far, without
  TimeNs first_byte_ns = 0;
  // Of a flow that an earlier sink of this name began: its file may be there already, and (until
  // the first event) how long it is says the first event's offset.
  bool restored = false;
  bool resumes = false;
  uint64_t printed = 0;   // by the console, in packet order
  StreamSummary summary;  // when closed
};

// State that a writer keeps for a flow.
struct WriterState {
  virtual ~WriterState() = default;
};

// What the writers keep for a flow, each in its own place.
class WriterStates {
 public:
  std::unique_ptr<WriterState>& operator[](size_t place) {
    if (place >= states_.size()) states_.resize(place + 1);
    return states_[place];
  }

 private:
  static constexpr size_t kUsualWriters = 8;  // more cost an allocation a flow
  absl::InlinedVector<std::unique_ptr<WriterState>, kUsualWriters> states_;
};

// A tunnel around a flow's first segment.
struct TunnelRecord {
  TunnelKind kind = TunnelKind::kUnknown;
  uint32_t id = 0;
  IpAddress source;
  IpAddress destination;
};

struct SinkFlow {
  uint64_t id = 0;
  uint64_t number = 0;  // in the order of opening
  Endpoint client;
  Endpoint server;
  TimeNs first_time_ns = 0;
  std::string client_mac;  // 6 bytes or empty
  std::string server_mac;
  std::string community_id;
  std::vector<uint16_t> vlan;  // as SinkStream has them, of the frame that opened it
  bool outer_8021q = false;
  OpenedBy opened_by = OpenedBy::kUnknown;
  bool mid_stream = false;
  bool unconfirmed = false;  // payload of a SYN that nobody answered
  uint8_t protocol = 6;      // IP's number; 17: UDP
  std::vector<TunnelRecord> tunnels;
  // Set when an earlier flow goes on here: that flow's number, and where its streams had ended.
  // Offsets in this flow, and in its files, count from there.
  std::optional<uint64_t> continues;  // its id
  std::array<uint64_t, 2> start_offset = {};
  std::string history;  // when closed
  std::array<SinkStream, 2> streams;
  bool closed = false;
  CloseReason close_reason = CloseReason::kUnknown;
  TimeNs closed_ns = 0;
  // Its place among all flows that closed, from 0 and without a hole; of one that never closed,
  // larger than all of those.
  uint64_t close_order = 0;
  WriterStates states;

  // Whether its first bytes are the first that the ends sent.
  bool from_start() const { return !mid_stream && !continues; }
  // Whether the end that sends in this direction said that there is no more.
  bool ended_in_order(Direction direction) const {
    return close_reason == CloseReason::kFinished || streams[direction].summary.fin_seen;
  }
  const Endpoint& source_of(Direction direction) const {
    return direction == kClientToServer ? client : server;
  }
  const Endpoint& destination_of(Direction direction) const {
    return direction == kClientToServer ? server : client;
  }
};

}  // namespace flowstitch

#endif  // FLOWSTITCH_SINKS_STREAMS_SINK_FLOW_H_
