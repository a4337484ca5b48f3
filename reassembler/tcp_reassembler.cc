// From a frame to the flow it belongs to.
#include "reassembler/tcp_reassembler.h"

#include <algorithm>

namespace flowstitch {
namespace {

// A flow moves in its list of silence at most this often, so that a busy one costs nothing.
constexpr int64_t kTouchIntervalNs = kNsPerSecond;

constexpr auto kClient = StreamDirection::kClientToServer;
constexpr auto kServer = StreamDirection::kServerToClient;

StreamDirection Opposite(StreamDirection d) { return d == kClient ? kServer : kClient; }

}  // namespace

TcpReassembler::TcpReassembler(TcpLimits limits, FragmentLimits fragment_limits,
                               StreamEvents* events)
    : limits_(limits), events_(events), defragmenter_(fragment_limits) {}

void TcpReassembler::OnFrame(const Frame& frame) {
  ++ledger_.frames_received;
  now_ns_ = std::max(now_ns_, frame.time_ns);
  wheel_.Advance(now_ns_, [this](const TimerWheel::Reminder& r) { OnReminder(r); });
  const LinkLayer link = ReadLinkLayer(frame.link_type, frame.bytes);
  switch (link.verdict) {
    case LinkVerdict::kNotIp:
      ++ledger_.not_ip_frames;
      return;
    case LinkVerdict::kUnknownLinkType:
      ++ledger_.unknown_link_type_frames;
      ++unknown_link_types_[frame.link_type];
      return;
    case LinkVerdict::kMalformed:
      ++ledger_.malformed_frames;
      return;
    case LinkVerdict::kIp:
      break;
  }
  auto ip = ReadIpHeader(link.datagram);
  if (ip && ip->fragment) {
    ip = defragmenter_.Add(*ip, now_ns_, &ledger_);
    if (!ip) return;
  }
  if (!ip) {
    ++ledger_.malformed_frames;
    return;
  }
  Segment segment;
  segment.time_ns = frame.time_ns;
  segment.wire_length = frame.wire_length;
  segment.captured_length = static_cast<uint32_t>(frame.bytes.size());
  segment.link = &link;
  switch (ReadSegment(*ip, &segment)) {
    case DatagramVerdict::kNotTcp:
      ++ledger_.not_tcp_datagrams;
      return;
    case DatagramVerdict::kMalformed:
      ++ledger_.malformed_frames;
      ++ledger_.bad_segments;
      return;
    case DatagramVerdict::kSegment:
      break;
  }
  ++ledger_.segments;
  ledger_.payload_bytes += segment.tcp.payload.size();
  OnSegment(segment);
}

void TcpReassembler::OnSegment(const Segment& segment) {
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

StreamContext TcpReassembler::ContextOf(const Flow& flow, StreamDirection direction) {
  return {flow.id, direction, limits_, *events_, ledger_, all_waiting_bytes_, now_ns_};
}

void TcpReassembler::OnFlow(uint32_t index, const Segment& segment) {
  if (ConfirmsCandidate(table_.flow(index), segment)) {
    ReplaceByCandidate(index, segment);
    return;
  }
  if (IsSyn(segment) && HandleContradictingSyn(index, segment)) return;
  FeedFlow(index, segment);
}

// A segment of an open flow, or the first one of a new flow.
void TcpReassembler::FeedFlow(uint32_t index, const Segment& segment) {
  Flow& flow = table_.flow(index);
  if (segment.time_ns - flow.last_time_ns > kTouchIntervalNs) table_.Touch(index);
  flow.last_time_ns = std::max(flow.last_time_ns, segment.time_ns);
  const StreamDirection direction = DirectionOf(flow, segment);
  TcpStream& stream = flow.streams[static_cast<size_t>(direction)];
  TcpStream& peer = flow.streams[static_cast<size_t>(Opposite(direction))];
  const StreamContext c = ContextOf(flow, direction);
  stream.CountPacket(segment.wire_length, segment.captured_length, segment.time_ns);
  if (Has(segment, kTcpRst)) {
    Ignore(segment, &ReassemblyLedger::reset_payload_bytes);
    if (!stream.AcceptsReset(limits_, segment.tcp.sequence)) {
      ++ledger_.ignored_resets;
      return;
    }
    stream.OnReset(c, segment.tcp.sequence);
    if (!flow.reset) {
      flow.reset = true;
      flow.reset_ns = now_ns_;
      Remind(index, AddNs(now_ns_, limits_.reset_linger_ns));
    }
    CheckFlow(index);
    return;
  }
  uint32_t sequence = segment.tcp.sequence;
  if (IsSyn(segment)) {
    stream.OnSyn(c, sequence, segment.tcp.payload, segment.tcp.fast_open, segment.time_ns);
    ++sequence;
  } else {
    stream.OnData(c, sequence, segment.tcp.payload, segment.truncated, segment.time_ns);
  }
  if (Has(segment, kTcpAck)) {
    peer.OnAcknowledged(ContextOf(flow, Opposite(direction)), segment.tcp.acknowledgement);
  }
  if (Has(segment, kTcpFin)) {
    stream.OnFin(c,
                 sequence + static_cast<uint32_t>(segment.tcp.payload.size()) + segment.truncated);
  }
  CheckFlow(index);
}

}  // namespace flowstitch
