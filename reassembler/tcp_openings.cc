// What opens a flow: attempts and their answers, data without either, and SYNs that contradict an
// open flow.
#include "reassembler/tcp_reassembler.h"

#include <utility>

namespace flowstitch {
namespace {

constexpr auto kClient = StreamDirection::kClientToServer;
constexpr auto kServer = StreamDirection::kServerToClient;

}  // namespace

void TcpReassembler::OnUnknown(const Segment& segment) {
  if (Has(segment, kTcpRst)) {  // sets nothing
    Ignore(segment, &ReassemblyLedger::reset_payload_bytes);
    return;
  }
  if (IsSyn(segment)) {
    NoteHalfOpen(segment);
    return;
  }
  if (!BringsData(segment)) return;  // an acknowledgement or FIN of something that was never seen
  // Picked up in the middle. Who is the client is a guess: servers have the lower ports.
  const Endpoint& sender = segment.from_high ? segment.key.high : segment.key.low;
  const Endpoint& receiver = segment.from_high ? segment.key.low : segment.key.high;
  const bool sender_is_client = sender.port >= receiver.port;
  const uint32_t index = OpenFlow(segment, segment.from_high == sender_is_client, OpenedBy::kGuess,
                                  segment.time_ns, /*mid_stream=*/true);
  FeedFlow(index, segment);
}

void TcpReassembler::NoteHalfOpen(const Segment& segment) {
  ++ledger_.half_open_flows;
  if (!segment.tcp.payload.empty()) {  // a SYN with data needs a place for them
    const bool client_is_high = segment.from_high == IsPureSyn(segment);
    const uint32_t index =
        OpenFlow(segment, client_is_high, IsPureSyn(segment) ? OpenedBy::kSyn : OpenedBy::kSynAck,
                 segment.time_ns, /*mid_stream=*/false);
    FeedFlow(index, segment);
    return;
  }
  const uint32_t index = table_.AddHalfOpen(segment.key);
  HalfOpen& half = table_.half_open(index);
  half.first_time_ns = half.last_time_ns = segment.time_ns;
  half.wire_length = segment.wire_length;
  half.captured_length = segment.captured_length;
  if (IsPureSyn(segment)) {
    half.client_is_high = segment.from_high;
    half.client_isn[0] = segment.tcp.sequence;
    half.client_isns = 1;
  } else {
    half.client_is_high = !segment.from_high;
    half.server_isn = segment.tcp.sequence;
    half.server_isn_known = true;
    half.client_isn[0] = segment.tcp.acknowledgement - 1;  // as the server saw it
    half.client_isns = 1;
  }
  wheel_.Add(AddNs(now_ns_, limits_.half_open_timeout_ns),
             {index, table_.half_open().slab.generation(index),
              static_cast<uint8_t>(EntryKind::kHalfOpen)});
  EnforceTableLimits();
}

void TcpReassembler::OnHalfOpen(uint32_t index, const Segment& segment) {
  HalfOpen& half = table_.half_open(index);
  half.last_time_ns = std::max(half.last_time_ns, segment.time_ns);
  const bool from_client = segment.from_high == half.client_is_high;
  const auto is_client_isn = [&half](uint32_t isn) {
    return isn == half.client_isn[0] || (half.client_isns == 2 && isn == half.client_isn[1]);
  };
  if (Has(segment, kTcpRst)) {
    Ignore(segment, &ReassemblyLedger::reset_payload_bytes);
    const bool refused =
        from_client ? is_client_isn(segment.tcp.sequence - 1) || is_client_isn(segment.tcp.sequence)
                    : is_client_isn(segment.tcp.acknowledgement - 1);
    if (!refused) {
      ++ledger_.ignored_resets;
      return;
    }
    ++ledger_.half_open_expired;
    table_.Remove({index, EntryKind::kHalfOpen});
    return;
  }
  if (from_client && IsPureSyn(segment)) {
    if (!is_client_isn(segment.tcp.sequence)) {
      half.client_isn[1] = half.client_isn[0];
      half.client_isn[0] = segment.tcp.sequence;
      half.client_isns = 2;
    }
    if (!segment.tcp.payload.empty()) FeedFlow(PromoteHalfOpen(index, segment), segment);
    return;
  }
  // An acknowledgement alone must fit; a SYN from the other side or data always make a flow.
  if (!IsSyn(segment) && !BringsData(segment)) {
    const bool fits = from_client ? is_client_isn(segment.tcp.sequence - 1)
                                  : is_client_isn(segment.tcp.acknowledgement - 1);
    if (!fits) return;
  }
  FeedFlow(PromoteHalfOpen(index, segment), segment);
}

uint32_t TcpReassembler::PromoteHalfOpen(uint32_t index, const Segment& segment) {
  const HalfOpen half = table_.half_open(index);
  table_.Remove({index, EntryKind::kHalfOpen});
  // Of two SYNs, the one that the server answered, or that the client goes on from, counts.
  uint32_t client_isn = half.client_isn[0];
  const bool from_client = segment.from_high == half.client_is_high;
  const uint32_t hint = from_client ? segment.tcp.sequence - (IsSyn(segment) ? 0 : 1)
                                    : segment.tcp.acknowledgement - 1;
  if (half.client_isns == 2 && hint == half.client_isn[1]) client_isn = hint;
  const bool syn_ack_only = half.server_isn_known;
  const uint32_t flow_index =
      OpenFlow(segment, half.client_is_high, syn_ack_only ? OpenedBy::kSynAck : OpenedBy::kSyn,
               half.first_time_ns, /*mid_stream=*/false);
  Flow& flow = table_.flow(flow_index);
  if (half.server_isn_known) {
    flow.streams[1].OnSyn(ContextOf(flow, kServer), half.server_isn, {}, false, half.first_time_ns);
    flow.streams[1].CountPacket(half.wire_length, half.captured_length, half.first_time_ns);
  } else {
    flow.streams[0].OnSyn(ContextOf(flow, kClient), client_isn, {}, false, half.first_time_ns);
    flow.streams[0].CountPacket(half.wire_length, half.captured_length, half.first_time_ns);
  }
  return flow_index;
}

uint32_t TcpReassembler::OpenFlow(const Segment& segment, bool client_is_high, OpenedBy opened_by,
                                  TimeNs first_time_ns, bool mid_stream) {
  const uint32_t index = table_.AddFlow(segment.key);
  Flow& flow = table_.flow(index);
  flow.id = (flow_numbers_++ << 8) | (SymmetricHash(segment.key) & 0xff);
  flow.client_is_high = client_is_high;
  flow.first_time_ns = first_time_ns;
  flow.last_time_ns = segment.time_ns;
  ++ledger_.flows_opened;
  FlowInfo info;
  info.id = flow.id;
  info.client = client_is_high ? segment.key.high : segment.key.low;
  info.server = client_is_high ? segment.key.low : segment.key.high;
  info.first_time_ns = first_time_ns;
  info.link = *segment.link;
  if (segment.from_high != client_is_high) {
    std::swap(info.link.source_mac, info.link.destination_mac);
  }
  info.opened_by = opened_by;
  info.mid_stream = mid_stream;
  events_->OnFlowOpened(info);
  Remind(index, AddNs(now_ns_, limits_.idle_timeout_ns));
  EnforceTableLimits();
  return index;
}

// True when the SYN does not belong to the flow as it is, and has been dealt with.
bool TcpReassembler::HandleContradictingSyn(uint32_t index, const Segment& segment) {
  Flow& flow = table_.flow(index);
  const StreamDirection direction = DirectionOf(flow, segment);
  TcpStream& stream = flow.streams[static_cast<size_t>(direction)];
  const bool nothing_yet = stream.untouched() && !flow.reset;
  if (stream.IsOwnSyn(segment.tcp.sequence)) return false;
  const bool idle = now_ns_ > AddNs(flow.last_time_ns, limits_.replace_idle_ns);
  if (IsPureSyn(segment) && (flow.reset || stream.fin_seen() || idle)) {
    CloseFlow(index, idle && !flow.reset ? CloseReason::kReplaced : ReasonSoFar(flow));
    OnSegment(segment);  // finds the tombstone, and opens
    return true;
  }
  if (nothing_yet && !IsPureSyn(segment)) return false;  // another SYN-ACK before any data
  if (!flow.candidate.known || flow.candidate.isn != segment.tcp.sequence) ++ledger_.ignored_syns;
  flow.candidate = {true, segment.from_high, segment.tcp.sequence, segment.time_ns};
  Ignore(segment, &ReassemblyLedger::out_of_window_bytes);
  return true;
}

// Whether the segment shows that both ends believe in the connection of the candidate SYN.
bool TcpReassembler::ConfirmsCandidate(const Flow& flow, const Segment& segment) const {
  const Flow::SynCandidate& candidate = flow.candidate;
  if (!candidate.known || Has(segment, kTcpRst)) return false;
  if (segment.from_high != candidate.from_high) {
    return Has(segment, kTcpAck) && segment.tcp.acknowledgement == candidate.isn + 1;
  }
  // Its own sender goes on from it, which it would not without an answer.
  const auto direction = static_cast<size_t>(DirectionOf(flow, segment));
  return !IsSyn(segment) && segment.tcp.sequence == candidate.isn + 1 &&
         !flow.streams[direction].Near(limits_, segment.tcp.sequence);
}

void TcpReassembler::ReplaceByCandidate(uint32_t index, const Segment& segment) {
  const Flow::SynCandidate candidate = table_.flow(index).candidate;
  CloseFlow(index, CloseReason::kReplaced);
  if (const auto entry = table_.Find(segment.key)) table_.Remove(*entry);
  ++ledger_.half_open_flows;
  const uint32_t half_index = table_.AddHalfOpen(segment.key);
  HalfOpen& half = table_.half_open(half_index);
  half.first_time_ns = half.last_time_ns = candidate.time_ns;
  half.client_is_high = candidate.from_high;
  half.client_isn[0] = candidate.isn;
  half.client_isns = 1;
  FeedFlow(PromoteHalfOpen(half_index, segment), segment);
}

}  // namespace flowstitch
