// The rules about connections: what opens a flow, what belongs to it, what ends it, and what is
// remembered of it. Frames and time in, events out; no clock, thread, socket or protobuf.
#ifndef FLOWSTITCH_REASSEMBLER_TCP_REASSEMBLER_H_
#define FLOWSTITCH_REASSEMBLER_TCP_REASSEMBLER_H_

#include <map>

#include "base/frame.h"
#include "base/ledger.h"
#include "reassembler/defragmenter.h"
#include "reassembler/flow_table.h"
#include "reassembler/segment_decoder.h"
#include "reassembler/timer_wheel.h"

namespace flowstitch {

class TcpReassembler {
 public:
  // `events` outlives the reassembler.
  TcpReassembler(TcpLimits limits, FragmentLimits fragment_limits, StreamEvents* events);

  // Takes the next frame. Time may go backwards; time-outs go by the highest so far.
  void OnFrame(const Frame& frame);
  // The capture has ended: everything open is flushed and closed.
  void Finish();

  const ReassemblyLedger& ledger() const { return ledger_; }
  // Frames of link types that are not read, by type.
  const std::map<uint32_t, uint64_t>& unknown_link_types() const { return unknown_link_types_; }
  TimeNs now_ns() const { return now_ns_; }
  size_t open_flows() { return table_.flows().slab.size(); }

 private:
  void OnSegment(const Segment& segment);
  void OnUnknown(const Segment& segment);
  void OnHalfOpen(uint32_t index, const Segment& segment);
  void OnFlow(uint32_t index, const Segment& segment);
  void OnTombstone(uint32_t index, const Segment& segment);

  // Each takes the segment's payload into the ledger exactly once.
  void FeedFlow(uint32_t index, const Segment& segment);
  void Ignore(const Segment& segment, uint64_t ReassemblyLedger::*where);

  void NoteHalfOpen(const Segment& segment);
  uint32_t OpenFlow(const Segment& segment, bool client_is_high, OpenedBy opened_by,
                    TimeNs first_time_ns, bool mid_stream);
  uint32_t PromoteHalfOpen(uint32_t index, const Segment& segment);
  bool HandleContradictingSyn(uint32_t index, const Segment& segment);
  bool ConfirmsCandidate(const Flow& flow, const Segment& segment) const;
  void ReplaceByCandidate(uint32_t index, const Segment& segment);
  void CloseFlow(uint32_t index, CloseReason reason);
  CloseReason ReasonSoFar(const Flow& flow) const;
  bool CheckFlow(uint32_t index);
  void Remind(uint32_t index, TimeNs when_ns);
  void OnReminder(const TimerWheel::Reminder& reminder);
  void EnforceTableLimits();

  StreamContext ContextOf(const Flow& flow, StreamDirection direction);
  static StreamDirection DirectionOf(const Flow& flow, const Segment& segment) {
    return segment.from_high == flow.client_is_high ? StreamDirection::kClientToServer
                                                    : StreamDirection::kServerToClient;
  }

  const TcpLimits limits_;
  StreamEvents* const events_;
  Defragmenter defragmenter_;
  ReassemblyLedger ledger_;
  std::map<uint32_t, uint64_t> unknown_link_types_;
  FlowTable table_;
  TimerWheel wheel_;
  TimeNs now_ns_ = kTimeMin;
  uint64_t flow_numbers_ = 0;
  size_t all_waiting_bytes_ = 0;
};

}  // namespace flowstitch

#endif  // FLOWSTITCH_REASSEMBLER_TCP_REASSEMBLER_H_
