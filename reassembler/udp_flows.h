// UDP conversations as flows: a stream a direction, made of the datagrams in the order in which
// they came. The first to speak is the client. Nothing is repaired: a repeated datagram is there
// twice.
#ifndef FLOWSTITCH_REASSEMBLER_UDP_FLOWS_H_
#define FLOWSTITCH_REASSEMBLER_UDP_FLOWS_H_

#include "absl/container/flat_hash_map.h"
#include "base/ledger.h"
#include "reassembler/flow_history.h"
#include "reassembler/frame_recorder.h"
#include "reassembler/packet_times.h"
#include "reassembler/segment.h"
#include "reassembler/silence_list.h"
#include "reassembler/stream_events.h"

namespace flowstitch {

struct UdpLimits {
  // Open conversations. Full: the one silent longest is closed (EVICTED; flows_evicted).
  size_t flows = 1'000'000;
  // One silent for so long is closed (IDLE).
  int64_t idle_timeout_ns = 120 * kNsPerSecond;
};

class UdpFlows {
 public:
  // `events`, `ledger` and `flow_numbers`, the count of all flows so far, outlive this.
  UdpFlows(const UdpLimits& limits, StreamEvents* events, ReassemblyLedger* ledger,
           uint64_t* flow_numbers, FrameRecorder* recorder = nullptr);

  // Before each datagram, and without one.
  void Advance(const PacketTimes& times);
  void OnDatagram(const UdpDatagram& datagram);
  void Finish();

  size_t open_flows() const { return by_key_.size(); }

 private:
  struct UdpFlow {
    FlowKey key;
    ListLinks links;
    FlowId id = 0;
    bool client_is_high = false;
    TimeNs last_time_ns = 0;
    FlowHistory history;
    std::array<StreamSummary, 2> summaries;
  };

  uint32_t Open(const UdpDatagram& datagram);
  void Close(uint32_t index, CloseReason reason);

  const UdpLimits limits_;
  StreamEvents* const events_;
  ReassemblyLedger& ledger_;
  uint64_t& flow_numbers_;
  FrameRecorder* const recorder_;
  absl::flat_hash_map<FlowKey, uint32_t> by_key_;
  Shelf<UdpFlow> flows_;
  PacketTimes times_;
};

}  // namespace flowstitch

#endif  // FLOWSTITCH_REASSEMBLER_UDP_FLOWS_H_
