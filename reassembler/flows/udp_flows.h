// UDP conversations as flows: a stream a direction, made of the datagrams in the order in which
// they came. The first to speak is the client. Nothing is repaired: a repeated datagram is there
// twice. One that the snapshot length cut off, and of which another sensor may have more, waits for
// that, and those behind it with it.
#ifndef FLOWSTITCH_REASSEMBLER_FLOWS_UDP_FLOWS_H_
#define FLOWSTITCH_REASSEMBLER_FLOWS_UDP_FLOWS_H_

#include <deque>
#include <memory>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "base/ledger.h"
#include "base/silence_list.h"
#include "reassembler/flows/flow_history.h"
#include "reassembler/flows/frame_recorder.h"
#include "reassembler/flows/stream_events.h"
#include "reassembler/frames/packet_times.h"
#include "reassembler/frames/segment.h"

namespace flowstitch {

struct UdpLimits {
  // Open conversations. Full: the one silent longest is closed (EVICTED; flows_evicted).
  size_t flows = 1'000'000;
  // One silent for so long is closed (IDLE).
  int64_t idle_timeout_ns = 120 * kNsPerSecond;
  // Packet time that a cut datagram waits for a longer copy: that of DuplicateLimits.
  int64_t copy_window_ns = 500 * kNsPerMs;
  // Memory of the datagrams that wait. Full: those of the flow that brings more wait no longer.
  size_t waiting_bytes = size_t{64} << 20;
  size_t flow_waiting_bytes = size_t{1} << 20;
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
  struct Waiting {
    Direction direction;
    std::vector<uint8_t> payload;
    uint32_t truncated;
    uint64_t digest;  // that a longer copy names; 0: none may come
    TimeNs time_ns;
    TimeNs since_ns;  // by the clock of time-outs
  };
  struct UdpFlow {
    FlowKey key;
    ListLinks links;
    FlowId id = 0;
    bool client_is_high = false;
    TimeNs last_time_ns = 0;
    FlowHistory history;
    std::array<StreamSummary, 2> summaries;
    VlanTags vlans;                                // that were told of
    std::unique_ptr<std::deque<Waiting>> waiting;  // null: nothing does
    size_t waiting_bytes = 0;
    bool reminded = false;  // there is a Reminder of it
  };
  // A flow whose first datagram waits since then, or waited.
  struct Reminder {
    uint32_t index;
    uint32_t generation;
    TimeNs since_ns;
  };
  static constexpr size_t kWaitingOverhead = 128;

  uint32_t Open(const UdpDatagram& datagram);
  void Deliver(UdpFlow& flow, Direction direction, ByteView payload, uint32_t truncated,
               TimeNs time_ns);
  void Wait(uint32_t index, Direction direction, const UdpDatagram& datagram);
  void Lengthen(UdpFlow& flow, const UdpDatagram& datagram);
  // Delivers up to the first that still waits for more of it; with `all`, everything.
  void Release(UdpFlow& flow, bool all);
  void ReleaseDue();
  void Remind(uint32_t index, TimeNs since_ns);
  void Close(uint32_t index, CloseReason reason);

  const UdpLimits limits_;
  StreamEvents* const events_;
  ReassemblyLedger& ledger_;
  uint64_t& flow_numbers_;
  FrameRecorder* const recorder_;
  absl::flat_hash_map<FlowKey, uint32_t> by_key_;
  Shelf<UdpFlow> flows_;
  PacketTimes times_;
  std::deque<Reminder> reminders_;
  size_t waiting_bytes_ = 0;
};

}  // namespace flowstitch

#endif  // FLOWSTITCH_REASSEMBLER_FLOWS_UDP_FLOWS_H_
