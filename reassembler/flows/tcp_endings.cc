// What ends a flow, what is remembered of it, and what time-outs and limits do.
#include "reassembler/flows/tcp_reassembler.h"

#include <algorithm>
#include <array>

namespace flowstitch {
namespace {

// Data this close behind a closed stream's end is the tail of it, not another connection.
constexpr int32_t kTombstoneSlackBytes = 16 << 20;

constexpr auto kClient = Direction::kClientToServer;
constexpr auto kServer = Direction::kServerToClient;

}  // namespace

CloseReason TcpReassembler::ReasonSoFar(const Flow& flow) const {
  if (flow.reset) return CloseReason::kReset;
  if (flow.streams[0].fin_seen() && flow.streams[1].fin_seen()) return CloseReason::kFinished;
  return CloseReason::kReplaced;
}

void TcpReassembler::CloseFlow(uint32_t index, CloseReason reason) {
  Flow& flow = table_.flow(index);
  for (const Direction direction : {kClient, kServer}) {
    TcpStream& stream = flow.streams[static_cast<size_t>(direction)];
    if (reason == CloseReason::kEvicted) {
      stream.Evict(ContextOf(flow, direction));
    } else {
      stream.Finish(ContextOf(flow, direction));
    }
  }
  DropStrays(flow);
  FlowEnd end;
  end.reason = reason;
  end.time_ns = stamp_ns_;
  ClosedStreams closed;
  for (const Direction direction : {kClient, kServer}) {
    const TcpStream& stream = flow.streams[static_cast<size_t>(direction)];
    end.summaries[static_cast<size_t>(direction)] = stream.summary();
    if (stream.summary().gaps > 0) flow.history.Add(direction == kClient, 'G');
    ClosedStream& side = closed[flow.client_is_high == (direction == kClient) ? 1 : 0];
    if (!stream.anchored()) continue;
    side = {
        true,           stream.syn_seen(), stream.isn(), stream.next_sequence(), stream.resume(),
        stream.offset()};
  }
  end.history = flow.history.text();
  events_->OnFlowClosed(flow.id, end);
  ++ledger_.flows_closed;
  Tombstone memory;
  memory.key = flow.key;
  memory.id = flow.id;
  memory.may_go_on = reason == CloseReason::kIdle || reason == CloseReason::kEvicted;
  memory.client_is_high = flow.client_is_high;
  memory.streams = closed;
  table_.Remove({index, EntryKind::kFlow});
  Remember(memory);
}

// What is left of a closed flow: so that a late repeat opens nothing, and that one closed as idle
// can go on.
void TcpReassembler::Remember(const Tombstone& memory) {
  if (const auto sibling = table_.Find(memory.key)) {
    table_.flow(sibling->index).closed_sibling = std::make_unique<ClosedStreams>(memory.streams);
    return;
  }
  const uint32_t index = table_.AddTombstone(memory.key);
  Tombstone& tombstone = table_.tombstone(index);
  tombstone.closed_ns = now_ns_;
  tombstone.id = memory.id;
  tombstone.may_go_on = memory.may_go_on;
  tombstone.client_is_high = memory.client_is_high;
  tombstone.streams = memory.streams;
  wheel_.Add(DueNs(tombstone), {index, table_.tombstones().slab.generation(index), 0,
                                static_cast<uint8_t>(EntryKind::kTombstone)});
  EnforceTableLimits();
}

TimeNs TcpReassembler::DueNs(const Tombstone& tombstone) const {
  return AddNs(tombstone.closed_ns,
               tombstone.may_go_on ? limits_.idle_timeout_ns : limits_.tombstone_ns);
}

void TcpReassembler::OnTombstone(uint32_t index, const Segment& segment) {
  const Tombstone memory = table_.tombstone(index);
  const ClosedStream& stream = memory.streams[segment.from_high ? 1 : 0];
  const auto claim = [&] {
    if (recorder_ == nullptr) return;
    recorder_->Claim(memory.id, segment.from_high == memory.client_is_high ? kClient : kServer,
                     segment, segment.tcp.payload);
  };
  if (Has(segment, kTcpRst)) {
    claim();
    ++ledger_.tombstone_segments;
    Ignore(segment, &ReassemblyLedger::reset_payload_bytes);
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
    ++ledger_.tombstone_segments;
    Ignore(segment, &ReassemblyLedger::after_close_bytes);
    return;
  }
  table_.Remove({index, EntryKind::kTombstone});
  if (!continues) {
    OnUnknown(segment);
    const auto entry = table_.Find(segment.key);
    if (entry && entry->kind == EntryKind::kHalfOpen) {
      RareOf(table_.half_open(entry->index)).before = memory.streams;
    } else if (entry && entry->kind == EntryKind::kFlow) {
      table_.flow(entry->index).closed_sibling = std::make_unique<ClosedStreams>(memory.streams);
    }
    return;
  }
  Opening opening{memory.client_is_high, OpenedBy::kGuess, segment.time_ns, /*mid_stream=*/true};
  opening.continues = &memory;
  FeedFlow(OpenFlow(segment, opening), segment);
}

// Gives up holes whose time has come, and closes the flow when it is over. False when it is closed.
bool TcpReassembler::CheckFlow(uint32_t index) {
  Flow& flow = table_.flow(index);
  TimeNs again_ns = kTimeMax;
  for (const Direction direction : {kClient, kServer}) {
    TcpStream& stream = flow.streams[static_cast<size_t>(direction)];
    again_ns = std::min(again_ns, stream.CheckWaiting(ContextOf(flow, direction)));
  }
  if (flow.streams[0].finished() && flow.streams[1].finished()) {
    CloseFlow(index, CloseReason::kFinished);
    return false;
  }
  if (again_ns != kTimeMax) Remind(index, again_ns);
  return true;
}

void TcpReassembler::Remind(uint32_t index, TimeNs when_ns) {
  Flow& flow = table_.flow(index);
  if (when_ns >= flow.reminded_ns) return;
  flow.reminded_ns = when_ns;
  wheel_.Add(when_ns, {index, table_.flows().slab.generation(index), ++flow.reminder_serial,
                       static_cast<uint8_t>(EntryKind::kFlow)});
}

void TcpReassembler::OnReminder(const TimerWheel::Reminder& reminder) {
  const auto kind = static_cast<EntryKind>(reminder.kind);
  const uint32_t index = reminder.index;
  switch (kind) {
    case EntryKind::kHalfOpen: {
      if (!table_.half_open().slab.Is(index, reminder.generation)) return;
      const TimeNs due_ns =
          AddNs(table_.half_open(index).last_time_ns, limits_.half_open_timeout_ns);
      if (now_ns_ < due_ns) {
        wheel_.Add(due_ns, reminder);
        return;
      }
      ExpireHalfOpen(index, CloseReason::kIdle);
      return;
    }
    case EntryKind::kTombstone:
      if (!table_.tombstones().slab.Is(index, reminder.generation)) return;
      if (now_ns_ < DueNs(table_.tombstone(index))) {
        wheel_.Add(DueNs(table_.tombstone(index)), reminder);
        return;
      }
      table_.Remove({index, kind});
      return;
    case EntryKind::kFlow:
      if (!table_.flows().slab.Is(index, reminder.generation)) return;
      // A later one that an earlier one has overtaken.
      if (table_.flow(index).reminder_serial != reminder.serial) return;
      OnFlowReminder(index);
      return;
  }
}

void TcpReassembler::OnFlowReminder(uint32_t index) {
  Flow& flow = table_.flow(index);
  flow.reminded_ns = kTimeMax;
  if (!CheckFlow(index)) return;
  const TimeNs idle_ns = AddNs(flow.last_time_ns, limits_.idle_timeout_ns);
  const TimeNs linger_ns = flow.reset ? AddNs(flow.reset_ns, limits_.reset_linger_ns) : kTimeMax;
  const TimeNs superseded_ns =
      flow.superseded ? AddNs(flow.last_time_ns, limits_.superseded_ns) : kTimeMax;
  if (now_ns_ >= linger_ns) {
    CloseFlow(index, CloseReason::kReset);
  } else if (now_ns_ >= superseded_ns) {
    CloseFlow(index, ReasonSoFar(flow));
  } else if (now_ns_ >= idle_ns) {
    CloseFlow(index, CloseReason::kIdle);
  } else {
    Remind(index, std::min({idle_ns, linger_ns, superseded_ns}));
  }
}

void TcpReassembler::EnforceTableLimits() {
  if (table_.half_open().slab.size() > limits_.half_open_flows) {
    ForgetHalfOpen(table_.half_open().by_silence.oldest());
  }
  if (table_.tombstones().slab.size() > limits_.tombstones) {
    ++ledger_.tombstones_evicted;
    table_.Remove({table_.tombstones().by_silence.oldest(), EntryKind::kTombstone});
  }
  if (table_.flows().slab.size() > limits_.flows) {
    ++ledger_.flows_evicted;
    CloseFlow(table_.flows().by_silence.oldest(), CloseReason::kEvicted);
  }
}

void TcpReassembler::Finish() {
  auto& flows = table_.flows();
  while (flows.by_silence.oldest() != Slab<Flow>::kNone) {
    const uint32_t index = flows.by_silence.oldest();
    const Flow& flow = table_.flow(index);
    CloseReason reason = CloseReason::kOpenAtEnd;
    if (flow.reset || flow.superseded) {
      reason = ReasonSoFar(flow);
    } else if (flow.streams[0].seen_to_fin() && flow.streams[1].seen_to_fin()) {
      reason = CloseReason::kFinished;  // it waits only for what the snapshot length cut off
    }
    CloseFlow(index, reason);
  }
  auto& half_open = table_.half_open();
  while (half_open.by_silence.oldest() != Slab<HalfOpen>::kNone) {
    ExpireHalfOpen(half_open.by_silence.oldest(), CloseReason::kOpenAtEnd);
  }
}

}  // namespace flowstitch
