#include "reassembler/flows/tcp_reassembler.h"

#include <algorithm>

namespace flowstitch {
namespace {

// Data this close behind a closed stream's end is the tail of it, not another connection.
constexpr int32_t kTombstoneSlackBytes = 16 << 20;

}  // namespace

TcpReassembler::TcpReassembler(const TcpLimits& limits, StreamEvents* events,
                               ReassemblyLedger* ledger, uint64_t* flow_numbers,
                               FrameRecorder* recorder)
    : core_(limits, events, ledger, flow_numbers, recorder) {}

void TcpReassembler::Advance(const PacketTimes& times) {
  core_.latest_ns = times.latest_ns;
  core_.stamp_ns = times.stamp_ns;
  if (times.now_ns < core_.now_ns) core_.wheel.Rewind(times.now_ns);
  core_.now_ns = times.now_ns;
  core_.wheel.Advance(core_.now_ns, [this](const TimerWheel::Reminder& r) { OnReminder(r); });
}

void TcpReassembler::OnSegment(const Segment& segment) {
  Dispatch(segment);
  if (core_.recorder != nullptr) HoldFrame(segment);
}

// The frame of a connection attempt waits with it.
void TcpReassembler::HoldFrame(const Segment& segment) {
  if (core_.recorder->claimed()) return;
  const auto entry = core_.table.Find(segment.key);
  if (!entry || entry->kind != EntryKind::kHalfOpen) return;
  core_.recorder->Hold(segment, segment.tcp.payload,
                       &HalfOpens::RareOf(core_.table.half_open(entry->index)).frames);
}

void TcpReassembler::Dispatch(const Segment& segment) {
  const auto entry = core_.table.Find(segment.key);
  if (!entry) {
    OnUnknown(segment);
    return;
  }
  switch (entry->kind) {
    case EntryKind::kHalfOpen:
      attempts_.OnSegment(entry->index, segment);
      break;
    case EntryKind::kFlow:
      siblings_.OnSegment(entry->index, segment, [this](const Segment& s) { Dispatch(s); });
      break;
    case EntryKind::kTombstone:
      OnTombstone(entry->index, segment);
      break;
  }
}

void TcpReassembler::OnUnknown(const Segment& segment) {
  if (Has(segment, kTcpRst)) {  // sets nothing
    core_.Ignore(segment, &ReassemblyLedger::reset_payload_bytes);
    return;
  }
  if (segment.opens_no_flow) {
    core_.Ignore(segment, &ReassemblyLedger::unopened_bytes);
    return;
  }
  if (IsSyn(segment)) {
    attempts_.OnFirst(segment);
    return;
  }
  if (!BringsData(segment)) return;  // an acknowledgement or FIN of something that was never seen
  feed_.Feed(flows_.OpenInTheMiddle(segment), segment);
}

void TcpReassembler::OnTombstone(uint32_t index, const Segment& segment) {
  const Tombstone memory = core_.table.tombstone(index);
  const ClosedStream& stream = memory.streams[segment.from_high ? 1 : 0];
  const auto claim = [&] {
    if (core_.recorder == nullptr) return;
    core_.recorder->Claim(
        memory.id, segment.from_high == memory.client_is_high ? kClientToServer : kServerToClient,
        segment, segment.tcp.payload);
  };
  if (Has(segment, kTcpRst)) {
    claim();
    ++core_.ledger.tombstone_segments;
    core_.Ignore(segment, &ReassemblyLedger::reset_payload_bytes);
    return;
  }
  const bool repeated_syn = stream.syn_seen && stream.isn == segment.tcp.sequence;
  bool opens = IsSyn(segment) && !repeated_syn;
  bool continues = false;
  if (!IsSyn(segment) && BringsData(segment)) {
    // Another sequence space than the closed stream's is another connection whose SYN was missed.
    const int32_t distance = SequenceDistance(segment.tcp.sequence, stream.end);
    opens = stream.known && (distance > kTombstoneSlackBytes || distance < -(1 << 30));
    const auto end = segment.tcp.sequence + static_cast<uint32_t>(segment.tcp.payload.size());
    continues =
        memory.may_go_on && !opens && (!stream.known || SequenceDistance(end, stream.resume) > 0);
  }
  if ((!opens && !continues) || segment.opens_no_flow) {
    claim();
    ++core_.ledger.tombstone_segments;
    core_.Ignore(segment, &ReassemblyLedger::after_close_bytes);
    return;
  }
  core_.table.Remove({index, EntryKind::kTombstone});
  if (continues) {
    GoOn(memory, segment);
  } else {
    OpenBehind(memory, segment);
  }
}

// A flow that was closed as idle or evicted goes on as another one.
void TcpReassembler::GoOn(const Tombstone& memory, const Segment& segment) {
  FlowOpening opening{memory.client_is_high, OpenedBy::kGuess, segment.time_ns,
                      /*mid_stream=*/true};
  opening.continues = &memory;
  feed_.Feed(flows_.Open(segment, opening), segment);
}

// Another connection between the same ends; what comes late of the one before is known.
void TcpReassembler::OpenBehind(const Tombstone& memory, const Segment& segment) {
  OnUnknown(segment);
  const auto entry = core_.table.Find(segment.key);
  if (!entry) return;
  if (entry->kind == EntryKind::kHalfOpen) {
    HalfOpens::RareOf(core_.table.half_open(entry->index)).before = memory.streams;
  } else if (entry->kind == EntryKind::kFlow) {
    core_.table.flow(entry->index).closed_sibling = std::make_unique<ClosedStreams>(memory.streams);
  }
}

void TcpReassembler::OnReminder(const TimerWheel::Reminder& reminder) {
  switch (static_cast<EntryKind>(reminder.kind)) {
    case EntryKind::kHalfOpen:
      OnHalfOpenReminder(reminder);
      break;
    case EntryKind::kTombstone:
      OnTombstoneReminder(reminder);
      break;
    case EntryKind::kFlow:
      if (!core_.table.flows().slab.Is(reminder.index, reminder.generation)) return;
      // A later one that an earlier one has overtaken.
      if (core_.table.flow(reminder.index).reminder_serial != reminder.serial) return;
      OnFlowReminder(reminder.index);
      break;
  }
}

void TcpReassembler::OnHalfOpenReminder(const TimerWheel::Reminder& reminder) {
  if (!core_.table.half_open().slab.Is(reminder.index, reminder.generation)) return;
  const TimeNs last_ns = core_.table.half_open(reminder.index).last_time_ns;
  const TimeNs due_ns = AddNs(last_ns, core_.limits.half_open_timeout_ns);
  if (core_.now_ns < due_ns) {
    core_.wheel.Add(due_ns, reminder);
  } else {
    attempts_.Expire(reminder.index, CloseReason::kIdle);
  }
}

void TcpReassembler::OnTombstoneReminder(const TimerWheel::Reminder& reminder) {
  if (!core_.table.tombstones().slab.Is(reminder.index, reminder.generation)) return;
  const TimeNs due_ns = flows_.DueNs(core_.table.tombstone(reminder.index));
  if (core_.now_ns < due_ns) {
    core_.wheel.Add(due_ns, reminder);
  } else {
    core_.table.Remove({reminder.index, EntryKind::kTombstone});
  }
}

void TcpReassembler::OnFlowReminder(uint32_t index) {
  Flow& flow = core_.table.flow(index);
  flow.reminded_ns = kTimeMax;
  if (!flows_.Check(index)) return;
  const TimeNs idle_ns = AddNs(flow.last_time_ns, core_.limits.idle_timeout_ns);
  const TimeNs linger_ns =
      flow.reset ? AddNs(flow.reset_ns, core_.limits.reset_linger_ns) : kTimeMax;
  const TimeNs superseded_ns =
      flow.superseded ? AddNs(flow.last_time_ns, core_.limits.superseded_ns) : kTimeMax;
  if (core_.now_ns >= linger_ns) {
    flows_.Close(index, CloseReason::kReset);
  } else if (core_.now_ns >= superseded_ns) {
    flows_.Close(index, FlowSet::ReasonSoFar(flow));
  } else if (core_.now_ns >= idle_ns) {
    flows_.Close(index, CloseReason::kIdle);
  } else {
    core_.Remind(index, std::min({idle_ns, linger_ns, superseded_ns}));
  }
}

void TcpReassembler::Finish() {
  auto& flows = core_.table.flows();
  while (flows.by_silence.oldest() != Slab<Flow>::kNone) {
    const uint32_t index = flows.by_silence.oldest();
    const Flow& flow = core_.table.flow(index);
    CloseReason reason = CloseReason::kOpenAtEnd;
    if (flow.reset || flow.superseded) {
      reason = FlowSet::ReasonSoFar(flow);
    } else if (flow.streams[0].seen_to_fin() && flow.streams[1].seen_to_fin()) {
      reason = CloseReason::kFinished;  // it waits only for what the snapshot length cut off
    }
    flows_.Close(index, reason);
  }
  auto& half_open = core_.table.half_open();
  while (half_open.by_silence.oldest() != Slab<HalfOpen>::kNone) {
    attempts_.Expire(half_open.by_silence.oldest(), CloseReason::kOpenAtEnd);
  }
}

}  // namespace flowstitch
