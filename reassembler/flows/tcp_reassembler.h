// The rules about connections: what opens a flow, what belongs to it, what ends it, and what is
// remembered of it. Segments and time in, events out.
//   attempts.h   SYNs and their answers (half_opens.h: those that wait)
//   siblings.h   several flows between the same ends
//   flow_set.h   open flows and memories of closed ones
//   flow_feed.h  a segment into its flow's streams
#ifndef FLOWSTITCH_REASSEMBLER_FLOWS_TCP_REASSEMBLER_H_
#define FLOWSTITCH_REASSEMBLER_FLOWS_TCP_REASSEMBLER_H_

#include "reassembler/flows/attempts.h"
#include "reassembler/flows/flow_feed.h"
#include "reassembler/flows/flow_set.h"
#include "reassembler/flows/half_opens.h"
#include "reassembler/flows/siblings.h"
#include "reassembler/flows/tcp_core.h"
#include "reassembler/frames/packet_times.h"

namespace flowstitch {

class TcpReassembler {
 public:
  // `events`, `ledger`, `flow_numbers`, the count of all flows so far, and `recorder`, which may be
  // null, outlive the reassembler.
  TcpReassembler(const TcpLimits& limits, StreamEvents* events, ReassemblyLedger* ledger,
                 uint64_t* flow_numbers, FrameRecorder* recorder = nullptr);

  // Before each segment, and without one.
  void Advance(const PacketTimes& times);
  // A segment that the ledger knows of already.
  void OnSegment(const Segment& segment);
  // The capture has ended: everything open is flushed and closed.
  void Finish();

  DeliveredWindow& delivered() { return core_.delivered; }

  size_t open_flows() { return core_.table.flows().slab.size(); }
  size_t half_open_flows() { return core_.table.half_open().slab.size(); }
  size_t tombstones() { return core_.table.tombstones().slab.size(); }
  size_t reminders() const { return core_.wheel.size(); }

 private:
  void Dispatch(const Segment& segment);
  void OnUnknown(const Segment& segment);
  void OnTombstone(uint32_t index, const Segment& segment);
  void GoOn(const Tombstone& memory, const Segment& segment);
  void OpenBehind(const Tombstone& memory, const Segment& segment);
  void HoldFrame(const Segment& segment);
  void OnReminder(const TimerWheel::Reminder& reminder);
  void OnHalfOpenReminder(const TimerWheel::Reminder& reminder);
  void OnTombstoneReminder(const TimerWheel::Reminder& reminder);
  void OnFlowReminder(uint32_t index);

  TcpCore core_;
  HalfOpens half_opens_{&core_};
  FlowSet flows_{&core_, &half_opens_};
  FlowFeed feed_{&core_, &flows_};
  Attempts attempts_{&core_, &half_opens_, &flows_, &feed_};
  Siblings siblings_{&core_, &flows_, &feed_};
};

}  // namespace flowstitch

#endif  // FLOWSTITCH_REASSEMBLER_FLOWS_TCP_REASSEMBLER_H_
