#include "reassembler/flows/attempts.h"

#include <utility>

namespace flowstitch {
namespace {

// Numbers behind the SYN count its payload, if it was taken.
bool IsClientIsn(const HalfOpen& half, uint32_t isn) {
  const SynPayload* const payload = half.rare == nullptr ? nullptr : half.rare->payload.get();
  const bool behind_payload =
      payload != nullptr && isn == payload->isn + static_cast<uint32_t>(payload->bytes.size());
  return isn == half.client_isn[0] || (half.client_isns == 2 && isn == half.client_isn[1]) ||
         behind_payload;
}

}  // namespace

void Attempts::OnFirst(const Segment& segment) {
  ++core_.ledger.half_open_flows;
  if (!segment.tcp.payload.empty() && segment.tcp.fast_open && IsPureSyn(segment)) {
    // Fast Open: data of a client that the server knows.
    feed_.Feed(flows_.Open(segment, {segment.from_high, OpenedBy::kSyn, segment.time_ns}), segment);
    return;
  }
  half_opens_.Add(segment);
  flows_.EnforceLimits();
}

// Only one side was ever seen, and nobody contradicts what it sent: that is evidence.
void Attempts::Expire(uint32_t index, CloseReason reason) {
  HalfOpen& waiting = core_.table.half_open(index);
  const SynPayload* const held = waiting.rare != nullptr ? waiting.rare->payload.get() : nullptr;
  if (held == nullptr || !held->may_be_told) {
    half_opens_.Forget(index);
    return;
  }
  ++core_.ledger.half_open_expired;
  HalfOpen half = std::move(waiting);
  core_.table.Remove({index, EntryKind::kHalfOpen});
  const std::unique_ptr<SynPayload> payload = half_opens_.TakeSynPayload(half);
  Segment segment;
  segment.key = half.key;
  segment.from_high = half.client_is_high != half.server_isn_known;
  segment.link = &payload->link;
  segment.tunnels = &payload->tunnels;
  FlowOpening opening{half.client_is_high,
                      half.server_isn_known ? OpenedBy::kSynAck : OpenedBy::kSyn,
                      half.first_time_ns};
  opening.unconfirmed = true;
  const uint32_t opened = flows_.Open(segment, opening);
  if (core_.recorder != nullptr) {
    core_.recorder->GiveToFlow(core_.table.flow(opened).id, half.client_is_high,
                               &half.rare->frames);
  }
  const Direction direction = half.server_isn_known ? kServerToClient : kClientToServer;
  FeedSyn(opened, direction, &half, payload->isn);
  TcpStream& stream = core_.table.flow(opened).streams[direction];
  stream.OnData(core_.ContextOf(core_.table.flow(opened), direction), payload->isn + 1,
                payload->bytes, 0, half.first_time_ns);
  flows_.Close(opened, reason);
}

// A late repeat of the connection before.
bool Attempts::IsOfBefore(const HalfOpen& half, const Segment& segment) const {
  if (half.rare == nullptr || IsSyn(segment)) return false;
  const ClosedStream& before = half.rare->before[segment.from_high ? 1 : 0];
  const int32_t distance = SequenceDistance(segment.tcp.sequence, before.end);
  if (!before.known || distance > 0 || distance < -(1 << 30)) return false;
  // Unless the attempt's own numbers lie there too.
  const bool from_client = segment.from_high == half.client_is_high;
  const uint32_t own = from_client ? half.client_isn[0] : half.server_isn;
  const bool own_known = from_client ? half.client_isns > 0 : half.server_isn_known;
  return !own_known || SequenceDistance(segment.tcp.sequence, own) < 0;
}

void Attempts::OnSegment(uint32_t index, const Segment& segment) {
  HalfOpen& half = core_.table.half_open(index);
  half.last_time_ns = core_.latest_ns;
  const bool from_client = segment.from_high == half.client_is_high;
  if (Has(segment, kTcpRst)) {
    OnReset(index, segment);
    return;
  }
  if (IsOfBefore(half, segment)) {
    ++core_.ledger.tombstone_segments;
    core_.Ignore(segment, &ReassemblyLedger::after_close_bytes);
    return;
  }
  // The SYN behind its answer, as when the two come from two sensors: both ends have spoken.
  const bool behind_answer = half.server_isn_known && IsClientIsn(half, segment.tcp.sequence);
  if (from_client && IsPureSyn(segment) && !behind_answer) {
    OnSyn(index, segment);
    return;
  }
  // An acknowledgement alone must fit; a SYN from the other side or data always make a flow.
  const bool bare = !IsSyn(segment) && !BringsData(segment);
  const uint32_t isn = (from_client ? segment.tcp.sequence : segment.tcp.acknowledgement) - 1;
  if (bare && !IsClientIsn(half, isn)) return;
  feed_.Feed(Promote(index, segment), segment);
}

// One that fits refuses the attempt.
void Attempts::OnReset(uint32_t index, const Segment& segment) {
  const HalfOpen& half = core_.table.half_open(index);
  core_.Ignore(segment, &ReassemblyLedger::reset_payload_bytes);
  const bool from_client = segment.from_high == half.client_is_high;
  const bool refused = from_client ? IsClientIsn(half, segment.tcp.sequence - 1) ||
                                         IsClientIsn(half, segment.tcp.sequence)
                                   : IsClientIsn(half, segment.tcp.acknowledgement - 1);
  if (refused) {
    half_opens_.Forget(index);
  } else {
    ++core_.ledger.ignored_resets;
  }
}

// The client's SYN, again or another one.
void Attempts::OnSyn(uint32_t index, const Segment& segment) {
  HalfOpen& half = core_.table.half_open(index);
  if (!IsClientIsn(half, segment.tcp.sequence)) {
    half.client_isn[1] = half.client_isn[0];
    half.client_isn[0] = segment.tcp.sequence;
    half.client_isns = 2;
  }
  if (segment.tcp.fast_open && !segment.tcp.payload.empty()) {
    feed_.Feed(Promote(index, segment), segment);
  } else {
    half_opens_.HoldSynPayload(half, segment);
  }
}

uint32_t Attempts::Promote(uint32_t index, const Segment& segment) {
  HalfOpen half = std::move(core_.table.half_open(index));
  core_.table.Remove({index, EntryKind::kHalfOpen});
  // Of two SYNs, the one that the server answered, or that the client goes on from, counts.
  uint32_t client_isn = half.client_isn[0];
  const bool from_client = segment.from_high == half.client_is_high;
  const uint32_t hint = from_client ? segment.tcp.sequence - (IsSyn(segment) ? 0 : 1)
                                    : segment.tcp.acknowledgement - 1;
  if (half.client_isns == 2 && hint == half.client_isn[1]) client_isn = hint;
  FlowOpening opening{half.client_is_high,
                      half.server_isn_known ? OpenedBy::kSynAck : OpenedBy::kSyn,
                      half.first_time_ns};
  const VlanTags vlans = HalfOpens::VlansOf(half);
  opening.vlans = &vlans;
  const uint32_t opened = flows_.Open(segment, opening);
  if (core_.recorder != nullptr && half.rare != nullptr) {
    core_.recorder->GiveToFlow(core_.table.flow(opened).id, half.client_is_high,
                               &half.rare->frames);
  }
  if (half.server_isn_known) {
    FeedSyn(opened, kServerToClient, &half, half.server_isn);
    return opened;
  }
  FeedSyn(opened, kClientToServer, &half, client_isn);
  if (half.client_isns == 2) {
    // The other SYN may be that of another connection, whose answer is still to come.
    const uint32_t other = half.client_isn[client_isn == half.client_isn[0] ? 1 : 0];
    core_.table.flow(opened).candidate = {true, half.client_is_high, /*is_answer=*/false, other,
                                          half.first_time_ns};
  }
  return opened;
}

// The payload counts if it is of that SYN.
void Attempts::FeedSyn(uint32_t index, Direction direction, HalfOpen* half, uint32_t isn) {
  feed_.FeedSyn(index, direction, *half, isn, half_opens_.TakeSynPayload(*half).get());
}

}  // namespace flowstitch
