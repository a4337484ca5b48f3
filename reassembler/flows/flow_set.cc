#include "reassembler/flows/flow_set.h"

#include <algorithm>
#include <array>
#include <utility>

namespace flowstitch {
uint32_t FlowSet::Open(const Segment& segment, const FlowOpening& opening) {
  const bool beside = core_.table.Find(segment.key).has_value();
  const uint32_t index = core_.table.AddFlow(segment.key);
  if (beside) ++core_.ledger.split_flows;
  Flow& flow = core_.table.flow(index);
  flow.id = MakeFlowId(core_.flow_numbers++, segment.key);
  flow.client_is_high = opening.client_is_high;
  flow.first_time_ns = opening.first_time_ns;
  flow.last_time_ns = core_.latest_ns;
  flow.touched_ns = core_.now_ns;
  ++core_.ledger.flows_opened;
  FlowInfo info;
  info.id = flow.id;
  info.client = flow.client_is_high ? segment.key.high : segment.key.low;
  info.server = flow.client_is_high ? segment.key.low : segment.key.high;
  info.first_time_ns = flow.first_time_ns;
  info.link = *segment.link;
  info.tunnels = *segment.tunnels;
  if (opening.vlans != nullptr) info.link.vlans = *opening.vlans;
  flow.vlans = info.link.vlans;
  if (segment.from_high != flow.client_is_high) {
    std::swap(info.link.source_mac, info.link.destination_mac);
  }
  info.opened_by = opening.opened_by;
  info.mid_stream = opening.mid_stream;
  info.unconfirmed = opening.unconfirmed;
  if (opening.continues != nullptr) {
    ++core_.ledger.continued_flows;
    info.continued = true;
    info.continues = opening.continues->id;
    for (const Direction direction : kDirections) {
      const bool is_high = flow.client_is_high == (direction == kClientToServer);
      const ClosedStream& before = opening.continues->streams[is_high ? 1 : 0];
      if (!before.known) continue;
      info.start_offset[direction] = before.length;
      flow.streams[direction].Resume(before.resume, before.length);
    }
  }
  core_.events->OnFlowOpened(info);
  core_.Remind(index, AddNs(core_.now_ns, core_.limits.idle_timeout_ns));
  if (beside) EnforceSiblings(segment.key);
  EnforceLimits();
  return index;
}

// Who is the client is a guess: servers have the lower ports.
uint32_t FlowSet::OpenInTheMiddle(const Segment& segment) {
  const Endpoint& sender = segment.from_high ? segment.key.high : segment.key.low;
  const Endpoint& receiver = segment.from_high ? segment.key.low : segment.key.high;
  const bool sender_is_client = sender.port >= receiver.port;
  return Open(segment, {segment.from_high == sender_is_client, OpenedBy::kGuess, segment.time_ns,
                        /*mid_stream=*/true});
}

void FlowSet::Close(uint32_t index, CloseReason reason) {
  Flow& flow = core_.table.flow(index);
  for (const Direction direction : kDirections) {
    TcpStream& stream = flow.streams[direction];
    if (reason == CloseReason::kEvicted) {
      stream.Evict(core_.ContextOf(flow, direction));
    } else {
      stream.Finish(core_.ContextOf(flow, direction));
    }
  }
  DropStrays(flow);
  FlowEnd end;
  end.reason = reason;
  end.time_ns = core_.stamp_ns;
  ClosedStreams closed;
  for (const Direction direction : kDirections) {
    const TcpStream& stream = flow.streams[direction];
    end.summaries[direction] = stream.summary();
    if (stream.summary().gaps > 0) flow.history.Add(direction == kClientToServer, 'G');
    ClosedStream& side = closed[flow.client_is_high == (direction == kClientToServer) ? 1 : 0];
    if (!stream.anchored()) continue;
    side = {
        true,           stream.syn_seen(), stream.isn(), stream.next_sequence(), stream.resume(),
        stream.offset()};
  }
  end.history = flow.history.text();
  core_.events->OnFlowClosed(flow.id, end);
  ++core_.ledger.flows_closed;
  Tombstone memory;
  memory.key = flow.key;
  memory.id = flow.id;
  memory.may_go_on = reason == CloseReason::kIdle || reason == CloseReason::kEvicted;
  memory.client_is_high = flow.client_is_high;
  memory.streams = closed;
  core_.table.Remove({index, EntryKind::kFlow});
  Remember(memory);
}

// What is left of a closed flow: so that a late repeat opens nothing, and that one closed as idle
// can go on.
void FlowSet::Remember(const Tombstone& memory) {
  if (const auto sibling = core_.table.Find(memory.key)) {
    core_.table.flow(sibling->index).closed_sibling =
        std::make_unique<ClosedStreams>(memory.streams);
    return;
  }
  const uint32_t index = core_.table.AddTombstone(memory.key);
  Tombstone& tombstone = core_.table.tombstone(index);
  tombstone.closed_ns = core_.now_ns;
  tombstone.id = memory.id;
  tombstone.may_go_on = memory.may_go_on;
  tombstone.client_is_high = memory.client_is_high;
  tombstone.streams = memory.streams;
  core_.wheel.Add(DueNs(tombstone), {index, core_.table.tombstones().slab.generation(index), 0,
                                     static_cast<uint8_t>(EntryKind::kTombstone)});
  EnforceLimits();
}

TimeNs FlowSet::DueNs(const Tombstone& tombstone) const {
  return AddNs(tombstone.closed_ns,
               tombstone.may_go_on ? core_.limits.idle_timeout_ns : core_.limits.tombstone_ns);
}

// Gives up holes whose time has come, and closes the flow when it is over. False when it is closed.
bool FlowSet::Check(uint32_t index) {
  Flow& flow = core_.table.flow(index);
  TimeNs again_ns = kTimeMax;
  for (const Direction direction : kDirections) {
    TcpStream& stream = flow.streams[direction];
    again_ns = std::min(again_ns, stream.CheckWaiting(core_.ContextOf(flow, direction)));
  }
  if (flow.streams[0].finished() && flow.streams[1].finished()) {
    Close(index, CloseReason::kFinished);
    return false;
  }
  if (again_ns != kTimeMax) core_.Remind(index, again_ns);
  return true;
}

CloseReason FlowSet::ReasonSoFar(const Flow& flow) {
  if (flow.reset) return CloseReason::kReset;
  if (flow.streams[0].fin_seen() && flow.streams[1].fin_seen()) return CloseReason::kFinished;
  return CloseReason::kReplaced;
}

void FlowSet::EnforceSiblings(const FlowKey& key) {
  size_t count = 1;
  uint32_t last = core_.table.Find(key)->index;
  while (core_.table.flow(last).next_sibling != Flow::kNone) {
    last = core_.table.flow(last).next_sibling;
    ++count;
  }
  if (count > core_.limits.siblings) Close(last, CloseReason::kReplaced);
}

void FlowSet::EnforceLimits() {
  if (core_.table.half_open().slab.size() > core_.limits.half_open_flows) {
    half_opens_.Forget(core_.table.half_open().by_silence.oldest());
  }
  if (core_.table.tombstones().slab.size() > core_.limits.tombstones) {
    ++core_.ledger.tombstones_evicted;
    core_.table.Remove({core_.table.tombstones().by_silence.oldest(), EntryKind::kTombstone});
  }
  if (core_.table.flows().slab.size() > core_.limits.flows) {
    ++core_.ledger.flows_evicted;
    Close(core_.table.flows().by_silence.oldest(), CloseReason::kEvicted);
  }
}

void FlowSet::NoteStrays(const StrayRun& strays, bool kept) {
  const size_t payload = strays.payload_bytes();
  const size_t cost = strays.memory_bytes();
  if (kept) {
    core_.ledger.waiting_bytes += payload;
    core_.all_waiting_bytes += cost;
  } else {
    core_.ledger.waiting_bytes -= payload;
    core_.all_waiting_bytes -= cost;
  }
}

void FlowSet::DropStrays(Flow& flow) {
  if (flow.strays == nullptr) return;
  NoteStrays(*flow.strays, /*kept=*/false);
  core_.ledger.out_of_window_bytes += flow.strays->payload_bytes();
  if (core_.recorder != nullptr) core_.recorder->GiveUp(&flow.strays->frames);
  flow.strays = nullptr;
}

}  // namespace flowstitch
