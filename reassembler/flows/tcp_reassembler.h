// The rules about connections: what opens a flow, what belongs to it, what ends it, and what is
// remembered of it. Segments and time in, events out.
//   tcp_reassembler.cc  from a segment to its flow
//   tcp_openings.cc     what opens a flow
//   tcp_siblings.cc     several flows between the same ends
//   tcp_endings.cc      what ends a flow, time-outs and limits
#ifndef FLOWSTITCH_REASSEMBLER_FLOWS_TCP_REASSEMBLER_H_
#define FLOWSTITCH_REASSEMBLER_FLOWS_TCP_REASSEMBLER_H_

#include "absl/container/flat_hash_map.h"
#include "base/ledger.h"
#include "reassembler/flows/flow_table.h"
#include "reassembler/flows/frame_recorder.h"
#include "reassembler/flows/timer_wheel.h"
#include "reassembler/frames/packet_times.h"
#include "reassembler/frames/segment.h"

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

  DeliveredWindow& delivered() { return delivered_; }

  size_t open_flows() { return table_.flows().slab.size(); }
  size_t half_open_flows() { return table_.half_open().slab.size(); }
  size_t tombstones() { return table_.tombstones().slab.size(); }
  size_t reminders() const { return wheel_.size(); }

 private:
  void Dispatch(const Segment& segment);
  void OnUnknown(const Segment& segment);
  void OnHalfOpen(uint32_t index, const Segment& segment);
  void OnFlow(uint32_t newest, const Segment& segment);
  void OnTombstone(uint32_t index, const Segment& segment);

  // Each takes the segment's payload into the ledger exactly once.
  void FeedFlow(uint32_t index, const Segment& segment);
  Segment RestOf(const Segment& segment);
  void FeedReset(uint32_t index, const Segment& segment);
  void FeedStreams(uint32_t index, const Segment& segment);
  void Ignore(const Segment& segment, uint64_t ReassemblyLedger::*where);

  void NoteHalfOpen(const Segment& segment);
  static HalfOpenRare& RareOf(HalfOpen& half);
  static void HoldVlans(HalfOpen& half, const VlanTags& vlans);
  static VlanTags VlansOf(const HalfOpen& half);
  void HoldFrame(const Segment& segment);
  void HoldSynPayload(HalfOpen& half, const Segment& segment);
  void LengthenSynPayload(HalfOpen& half, ByteView bytes);
  // Takes the held payload out of the books; null: there is none.
  std::unique_ptr<SynPayload> TakeSynPayload(HalfOpen& half);
  void DropSynPayload(HalfOpen& half);
  void ForgetHalfOpen(uint32_t index);
  // An attempt that nobody answered in time, or before the capture ended.
  void ExpireHalfOpen(uint32_t index, CloseReason reason);
  bool IsOfBefore(const HalfOpen& half, const Segment& segment) const;
  struct Opening {
    bool client_is_high = false;
    OpenedBy opened_by = OpenedBy::kGuess;
    TimeNs first_time_ns = 0;
    bool mid_stream = false;
    const Tombstone* continues = nullptr;
    bool unconfirmed = false;
    const VlanTags* vlans = nullptr;  // of the first segment; null: of this one
  };
  uint32_t OpenFlow(const Segment& segment, const Opening& opening);
  uint32_t OpenInTheMiddle(const Segment& segment);
  uint32_t PromoteHalfOpen(uint32_t index, const Segment& segment);
  void FeedSyn(uint32_t index, Direction direction, HalfOpen* half, uint32_t isn);

  // tcp_siblings.cc
  uint32_t FindSibling(uint32_t newest, const Segment& segment);
  bool HandleContradictingSyn(uint32_t newest, uint32_t index, const Segment& segment);
  bool ConfirmsCandidate(const Flow& flow, const Segment& segment) const;
  static void NoteCandidate(Flow& flow, const Segment& segment);
  void OpenCandidate(uint32_t index, const Segment& segment);
  void OnStray(uint32_t newest, const Segment& segment);
  void DropStrays(Flow& flow);
  void NoteStrays(const StrayRun& strays, bool kept);
  void EnforceSiblings(const FlowKey& key);

  void CloseFlow(uint32_t index, CloseReason reason);
  void Remember(const Tombstone& memory);
  TimeNs DueNs(const Tombstone& tombstone) const;
  CloseReason ReasonSoFar(const Flow& flow) const;
  bool CheckFlow(uint32_t index);
  void Remind(uint32_t index, TimeNs when_ns);
  void OnReminder(const TimerWheel::Reminder& reminder);
  void OnFlowReminder(uint32_t index);
  void EnforceTableLimits();

  StreamContext ContextOf(const Flow& flow, Direction direction);
  static Direction DirectionOf(const Flow& flow, const Segment& segment) {
    return segment.from_high == flow.client_is_high ? Direction::kClientToServer
                                                    : Direction::kServerToClient;
  }

  const TcpLimits limits_;
  StreamEvents* const events_;
  ReassemblyLedger& ledger_;
  uint64_t& flow_numbers_;
  FrameRecorder* const recorder_;
  FlowTable table_;
  TimerWheel wheel_;
  DeliveredWindow delivered_;
  TimeNs now_ns_ = kTimeMin;
  TimeNs stamp_ns_ = kTimeMin;
  TimeNs latest_ns_ = kTimeMin;
  size_t all_waiting_bytes_ = 0;
  // Payloads of SYNs that are delivered without an answer, by who sent them.
  absl::flat_hash_map<IpAddress, uint32_t> told_syns_;
};

}  // namespace flowstitch

#endif  // FLOWSTITCH_REASSEMBLER_FLOWS_TCP_REASSEMBLER_H_
