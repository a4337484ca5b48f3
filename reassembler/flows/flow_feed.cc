#include "reassembler/flows/flow_feed.h"

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

// Where a shorter copy of it was taken, what it has more.
Segment FlowFeed::RestOf(const Segment& segment) {
  Segment rest = segment;
  const auto known = std::min<size_t>(segment.known, segment.tcp.payload.size());
  rest.tcp.sequence += static_cast<uint32_t>(known);
  rest.tcp.payload = segment.tcp.payload.subspan(known);
  core_.ledger.payload_bytes -= known;  // the shorter copy's count
  return rest;
}

// A segment of an open flow, or the first one of a new flow.
void FlowFeed::Feed(uint32_t index, const Segment& segment) {
  if (segment.longer_than != 0 && Has(segment, kTcpRst)) {
    core_.Ignore(segment, &ReassemblyLedger::reset_payload_bytes);
    return;
  }
  if (segment.longer_than != 0 && !IsSyn(segment)) {
    FeedStreams(index, RestOf(segment));
    return;
  }
  Flow& flow = core_.table.flow(index);
  // By the time of all sources, not by the stamp: one sensor's clock may be hours behind.
  flow.last_time_ns = core_.latest_ns;
  if (core_.now_ns > AddNs(flow.touched_ns, kTouchIntervalNs)) {
    flow.touched_ns = core_.now_ns;
    core_.table.Touch(index);
  }
  const Direction direction = TcpCore::DirectionOf(flow, segment);
  if (core_.recorder != nullptr) {
    core_.recorder->Claim(flow.id, direction, segment, segment.tcp.payload);
  }
  TcpStream& stream = flow.streams[direction];
  if (stream.summary().packets == 0 && segment.link->vlans != flow.vlans) {
    core_.events->OnVlans(flow.id, direction, segment.link->vlans);
  }
  stream.CountPacket(segment.wire_length, segment.captured_length, segment.time_ns);
  NoteFlags(segment, direction == kClientToServer, &flow.history);
  if (Has(segment, kTcpRst)) {
    FeedReset(index, segment);
  } else {
    FeedStreams(index, segment);
  }
}

void FlowFeed::FeedReset(uint32_t index, const Segment& segment) {
  Flow& flow = core_.table.flow(index);
  const Direction direction = TcpCore::DirectionOf(flow, segment);
  TcpStream& stream = flow.streams[direction];
  core_.Ignore(segment, &ReassemblyLedger::reset_payload_bytes);
  if (!stream.AcceptsReset(segment.tcp.sequence)) {
    ++core_.ledger.ignored_resets;
    return;
  }
  flow.history.Add(direction == kClientToServer, 'R');
  stream.OnReset(core_.ContextOf(flow, direction), segment.tcp.sequence);
  if (!flow.reset) {
    flow.reset = true;
    flow.reset_ns = core_.now_ns;
    core_.Remind(index, AddNs(core_.now_ns, core_.limits.reset_linger_ns));
  }
  flows_.Check(index);
}

void FlowFeed::FeedStreams(uint32_t index, const Segment& segment) {
  Flow& flow = core_.table.flow(index);
  const TcpHeader& tcp = segment.tcp;
  const Direction direction = TcpCore::DirectionOf(flow, segment);
  TcpStream& stream = flow.streams[direction];
  TcpStream& peer = flow.streams[Opposite(direction)];
  StreamContext c = core_.ContextOf(flow, direction);
  c.may_be_filled = segment.may_be_filled;
  c.rest_of_segment = segment.longer_than != 0;
  const bool by_client = direction == kClientToServer;
  Carrier carrier(segment.time_ns);
  if (Has(segment, kTcpAck)) carrier.acknowledgement = tcp.acknowledgement;
  if (tcp.has_timestamp && stream.IsStale(tcp.sequence, tcp.timestamp)) {
    core_.Ignore(segment, &ReassemblyLedger::out_of_window_bytes);
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
    const StreamContext p = core_.ContextOf(flow, Opposite(direction));
    peer.OnAcknowledged(p, tcp.acknowledgement, stream.WindowOf(tcp, IsSyn(segment)));
    for (size_t i = 0; i < tcp.sack_blocks; ++i) {
      peer.OnSack(p, tcp.sack[i].left, tcp.sack[i].right);
    }
  }
  if (Has(segment, kTcpFin)) {
    stream.OnFin(c, sequence + static_cast<uint32_t>(tcp.payload.size()) + segment.truncated);
  }
  flows_.Check(index);
}

void FlowFeed::FeedSyn(uint32_t index, Direction direction, const HalfOpen& half, uint32_t isn,
                       const SynPayload* payload) {
  Flow& flow = core_.table.flow(index);
  TcpStream& stream = flow.streams[direction];
  ByteView bytes;
  if (payload != nullptr && payload->isn == isn) {
    bytes = payload->bytes;
  } else if (payload != nullptr) {  // another attempt's
    core_.ledger.unconfirmed_bytes += payload->bytes.size();
  }
  stream.OnSyn(core_.ContextOf(flow, direction), isn, bytes, false, half.first_time_ns);
  stream.CountPacket(half.wire_length, half.captured_length, half.first_time_ns);
  const bool by_client = direction == kClientToServer;
  flow.history.Add(by_client, by_client ? 'S' : 'H');
  if (half.rare != nullptr && (half.rare->before[0].known || half.rare->before[1].known)) {
    flow.closed_sibling = std::make_unique<ClosedStreams>(half.rare->before);
  }
}

}  // namespace flowstitch
