// From a segment to the flow it belongs to.
#include "reassembler/flows/tcp_reassembler.h"

#include <algorithm>

namespace flowstitch {
namespace {

// A flow moves in its list of silence at most this often, so that a busy one costs nothing.
constexpr int64_t kTouchIntervalNs = kNsPerSecond;

void NoteFlags(const Segment& segment, bool by_client, FlowHistory* history) {
  if (IsSyn(segment)) history->Add(by_client, IsPureSyn(segment) ? 'S' : 'H');
  if (BringsData(segment)) history->Add(by_client, 'D');
  const bool bare = !IsSyn(segment) && !BringsData(segment) && !Has(segment, kTcpFin);
  if (bare && Has(segment, kTcpAck)) history->Add(by_client, 'A');
  if (segment.tcp.window == 0 && !IsSyn(segment)) history->Add(by_client, 'W');
  if (Has(segment, kTcpFin)) history->Add(by_client, 'F');
  if (segment.odd_flags) history->Add(by_client, 'Q');
}

}  // namespace

TcpReassembler::TcpReassembler(const TcpLimits& limits, StreamEvents* events,
                               ReassemblyLedger* ledger, uint64_t* flow_numbers,
                               FrameRecorder* recorder)
    : limits_(limits),
      events_(events),
      ledger_(*ledger),
      flow_numbers_(*flow_numbers),
      recorder_(recorder),
      delivered_(limits.conflict_window_bytes) {}

void TcpReassembler::Advance(const PacketTimes& times) {
  latest_ns_ = times.latest_ns;
  stamp_ns_ = times.stamp_ns;
  if (times.now_ns < now_ns_) wheel_.Rewind(times.now_ns);
  now_ns_ = times.now_ns;
  wheel_.Advance(now_ns_, [this](const TimerWheel::Reminder& r) { OnReminder(r); });
}

void TcpReassembler::OnSegment(const Segment& segment) {
  Dispatch(segment);
  if (recorder_ != nullptr) HoldFrame(segment);
}

// The frame of a connection attempt waits with it.
void TcpReassembler::HoldFrame(const Segment& segment) {
  if (recorder_->claimed()) return;
  const auto entry = table_.Find(segment.key);
  if (!entry || entry->kind != EntryKind::kHalfOpen) return;
  recorder_->Hold(segment, segment.tcp.payload, &RareOf(table_.half_open(entry->index)).frames);
}

void TcpReassembler::Dispatch(const Segment& segment) {
  const auto entry = table_.Find(segment.key);
  if (!entry) {
    OnUnknown(segment);
    return;
  }
  switch (entry->kind) {
    case EntryKind::kHalfOpen:
      OnHalfOpen(entry->index, segment);
      break;
    case EntryKind::kFlow:
      OnFlow(entry->index, segment);
      break;
    case EntryKind::kTombstone:
      OnTombstone(entry->index, segment);
      break;
  }
}

void TcpReassembler::Ignore(const Segment& segment, uint64_t ReassemblyLedger::*where) {
  ledger_.*where += segment.tcp.payload.size();
}

StreamContext TcpReassembler::ContextOf(const Flow& flow, Direction direction) {
  const TcpStream& peer = flow.streams[static_cast<size_t>(Opposite(direction))];
  return {flow.id, direction,          limits_,    peer,    *events_,
          ledger_, all_waiting_bytes_, delivered_, now_ns_, stamp_ns_};
}

void TcpReassembler::OnFlow(uint32_t newest, const Segment& segment) {
  for (uint32_t i = newest; i != Flow::kNone; i = table_.flow(i).next_sibling) {
    if (!ConfirmsCandidate(table_.flow(i), segment)) continue;
    OpenCandidate(i, segment);
    return;
  }
  const uint32_t index = FindSibling(newest, segment);
  if (IsSyn(segment)) {
    if (HandleContradictingSyn(newest, index == Flow::kNone ? newest : index, segment)) return;
  } else if (index == Flow::kNone) {
    OnStray(newest, segment);
    return;
  }
  FeedFlow(index == Flow::kNone ? newest : index, segment);
}

// Where a shorter copy of it was taken, what it has more.
Segment TcpReassembler::RestOf(const Segment& segment) {
  Segment rest = segment;
  const auto known = std::min<size_t>(segment.known, segment.tcp.payload.size());
  rest.tcp.sequence += static_cast<uint32_t>(known);
  rest.tcp.payload = segment.tcp.payload.subspan(known);
  ledger_.payload_bytes -= known;  // the shorter copy's count
  return rest;
}

// A segment of an open flow, or the first one of a new flow.
void TcpReassembler::FeedFlow(uint32_t index, const Segment& segment) {
  if (segment.longer_than != 0 && Has(segment, kTcpRst)) {
    Ignore(segment, &ReassemblyLedger::reset_payload_bytes);
    return;
  }
  if (segment.longer_than != 0 && !IsSyn(segment)) {
    FeedStreams(index, RestOf(segment));
    return;
  }
  Flow& flow = table_.flow(index);
  // By the time of all sources, not by the stamp: one sensor's clock may be hours behind.
  flow.last_time_ns = latest_ns_;
  if (now_ns_ > AddNs(flow.touched_ns, kTouchIntervalNs)) {
    flow.touched_ns = now_ns_;
    table_.Touch(index);
  }
  const Direction direction = DirectionOf(flow, segment);
  if (recorder_ != nullptr) recorder_->Claim(flow.id, direction, segment, segment.tcp.payload);
  TcpStream& stream = flow.streams[static_cast<size_t>(direction)];
  if (stream.summary().packets == 0 && segment.link->vlans != flow.vlans) {
    events_->OnVlans(flow.id, direction, segment.link->vlans);
  }
  stream.CountPacket(segment.wire_length, segment.captured_length, segment.time_ns);
  NoteFlags(segment, direction == kClientToServer, &flow.history);
  if (Has(segment, kTcpRst)) {
    FeedReset(index, segment);
  } else {
    FeedStreams(index, segment);
  }
}

void TcpReassembler::FeedReset(uint32_t index, const Segment& segment) {
  Flow& flow = table_.flow(index);
  const Direction direction = DirectionOf(flow, segment);
  TcpStream& stream = flow.streams[static_cast<size_t>(direction)];
  Ignore(segment, &ReassemblyLedger::reset_payload_bytes);
  if (!stream.AcceptsReset(segment.tcp.sequence)) {
    ++ledger_.ignored_resets;
    return;
  }
  flow.history.Add(direction == kClientToServer, 'R');
  stream.OnReset(ContextOf(flow, direction), segment.tcp.sequence);
  if (!flow.reset) {
    flow.reset = true;
    flow.reset_ns = now_ns_;
    Remind(index, AddNs(now_ns_, limits_.reset_linger_ns));
  }
  CheckFlow(index);
}

void TcpReassembler::FeedStreams(uint32_t index, const Segment& segment) {
  Flow& flow = table_.flow(index);
  const TcpHeader& tcp = segment.tcp;
  const Direction direction = DirectionOf(flow, segment);
  TcpStream& stream = flow.streams[static_cast<size_t>(direction)];
  TcpStream& peer = flow.streams[static_cast<size_t>(Opposite(direction))];
  StreamContext c = ContextOf(flow, direction);
  c.may_be_filled = segment.may_be_filled;
  c.rest_of_segment = segment.longer_than != 0;
  const bool by_client = direction == kClientToServer;
  Carrier carrier(segment.time_ns);
  if (Has(segment, kTcpAck)) carrier.acknowledgement = tcp.acknowledgement;
  if (tcp.has_timestamp && stream.IsStale(tcp.sequence, tcp.timestamp)) {
    Ignore(segment, &ReassemblyLedger::out_of_window_bytes);
    return;
  }
  const uint64_t repeated_before =
      stream.summary().retransmitted_bytes + stream.summary().overlapping_bytes;
  const uint64_t conflicting_before = stream.summary().conflicting_bytes;
  uint32_t sequence = tcp.sequence;
  if (IsSyn(segment)) {
    stream.OnSyn(c, sequence, tcp.payload, tcp.fast_open, carrier);
    ++sequence;
  } else {
    stream.OnSequence(c, sequence);
    stream.OnData(c, sequence, tcp.payload, segment.truncated, carrier);
  }
  // A sender that goes on behind its reset did not send it.
  flow.reset = flow.reset && (stream.reset() || peer.reset());
  if (stream.summary().retransmitted_bytes + stream.summary().overlapping_bytes > repeated_before) {
    flow.history.Add(by_client, 'T');
  }
  if (stream.summary().conflicting_bytes > conflicting_before) flow.history.Add(by_client, 'I');
  if (Has(segment, kTcpAck)) {
    const StreamContext p = ContextOf(flow, Opposite(direction));
    peer.OnAcknowledged(p, tcp.acknowledgement, stream.WindowOf(tcp, IsSyn(segment)));
    for (size_t i = 0; i < tcp.sack_blocks; ++i) {
      peer.OnSack(p, tcp.sack[i].left, tcp.sack[i].right);
    }
  }
  if (Has(segment, kTcpFin)) {
    stream.OnFin(c, sequence + static_cast<uint32_t>(tcp.payload.size()) + segment.truncated);
  }
  CheckFlow(index);
}

}  // namespace flowstitch
