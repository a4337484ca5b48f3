// What opens a flow: attempts and their answers, or data without either.
#include "reassembler/flows/tcp_reassembler.h"

#include <algorithm>
#include <utility>

namespace flowstitch {
namespace {

constexpr auto kClient = Direction::kClientToServer;
constexpr auto kServer = Direction::kServerToClient;

}  // namespace

void TcpReassembler::OnUnknown(const Segment& segment) {
  if (Has(segment, kTcpRst)) {  // sets nothing
    Ignore(segment, &ReassemblyLedger::reset_payload_bytes);
    return;
  }
  if (segment.opens_no_flow) {
    Ignore(segment, &ReassemblyLedger::unopened_bytes);
    return;
  }
  if (IsSyn(segment)) {
    NoteHalfOpen(segment);
    return;
  }
  if (!BringsData(segment)) return;  // an acknowledgement or FIN of something that was never seen
  FeedFlow(OpenInTheMiddle(segment), segment);
}

// Who is the client is a guess: servers have the lower ports.
uint32_t TcpReassembler::OpenInTheMiddle(const Segment& segment) {
  const Endpoint& sender = segment.from_high ? segment.key.high : segment.key.low;
  const Endpoint& receiver = segment.from_high ? segment.key.low : segment.key.high;
  const bool sender_is_client = sender.port >= receiver.port;
  return OpenFlow(segment, {segment.from_high == sender_is_client, OpenedBy::kGuess,
                            segment.time_ns, /*mid_stream=*/true});
}

void TcpReassembler::NoteHalfOpen(const Segment& segment) {
  ++ledger_.half_open_flows;
  if (!segment.tcp.payload.empty() && segment.tcp.fast_open && IsPureSyn(segment)) {
    // Fast Open: data of a client that the server knows.
    FeedFlow(OpenFlow(segment, {segment.from_high, OpenedBy::kSyn, segment.time_ns}), segment);
    return;
  }
  const uint32_t index = table_.AddHalfOpen(segment.key);
  HalfOpen& half = table_.half_open(index);
  half.first_time_ns = segment.time_ns;
  half.last_time_ns = latest_ns_;
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
  HoldVlans(half, segment.link->vlans);
  HoldSynPayload(half, segment);
  wheel_.Add(AddNs(now_ns_, limits_.half_open_timeout_ns),
             {index, table_.half_open().slab.generation(index), 0,
              static_cast<uint8_t>(EntryKind::kHalfOpen)});
  EnforceTableLimits();
}

void TcpReassembler::HoldVlans(HalfOpen& half, const VlanTags& vlans) {
  half.vlan_count = vlans.count;
  half.outer_8021q = vlans.outer_8021q;
  std::copy_n(vlans.ids.begin(), half.vlans.size(), half.vlans.begin());
  if (vlans.count > half.vlans.size()) RareOf(half).vlans = vlans;
}

VlanTags TcpReassembler::VlansOf(const HalfOpen& half) {
  if (half.vlan_count > half.vlans.size()) return half.rare->vlans;
  VlanTags vlans{half.vlan_count, half.outer_8021q};
  std::copy_n(half.vlans.begin(), half.vlans.size(), vlans.ids.begin());
  return vlans;
}

HalfOpenRare& TcpReassembler::RareOf(HalfOpen& half) {
  if (half.rare == nullptr) half.rare = std::make_unique<HalfOpenRare>();
  return *half.rare;
}

// Payload of a SYN waits for the answer like other bytes, within the limit of all that wait.
void TcpReassembler::HoldSynPayload(HalfOpen& half, const Segment& segment) {
  const ByteView bytes = segment.tcp.payload;
  if (bytes.empty()) return;
  if (half.rare != nullptr && half.rare->payload != nullptr) {
    if (half.rare->payload->isn == segment.tcp.sequence) {
      LengthenSynPayload(half, bytes);
      return;
    }
    DropSynPayload(half);  // another attempt took its place
  }
  if (all_waiting_bytes_ + bytes.size() + sizeof(SynPayload) > limits_.all_waiting_bytes) {
    Ignore(segment, &ReassemblyLedger::unconfirmed_bytes);
    return;
  }
  auto payload = std::make_unique<SynPayload>();
  payload->bytes.assign(bytes.begin(), bytes.end());
  payload->isn = segment.tcp.sequence;
  payload->sender = (segment.from_high ? segment.key.high : segment.key.low).address;
  payload->link = *segment.link;
  payload->link.datagram = payload->link.subframes = payload->link.beacon_ssid = {};
  payload->tunnels = *segment.tunnels;
  if (uint32_t& told = told_syns_[payload->sender]; told < limits_.unanswered_syns) {
    ++told;
    payload->may_be_told = true;
  }
  RareOf(half).payload = std::move(payload);
  ledger_.waiting_bytes += bytes.size();
  all_waiting_bytes_ += bytes.size() + sizeof(SynPayload);
}

// A repeat, or another sensor's copy, may have more of it.
void TcpReassembler::LengthenSynPayload(HalfOpen& half, ByteView bytes) {
  std::vector<uint8_t>& held = half.rare->payload->bytes;
  const size_t seen = std::min(held.size(), bytes.size());
  const size_t more = bytes.size() - seen;
  ledger_.retransmitted_bytes += seen;
  if (all_waiting_bytes_ + more > limits_.all_waiting_bytes) {
    ledger_.unconfirmed_bytes += more;
    return;
  }
  held.insert(held.end(), bytes.begin() + static_cast<long>(seen), bytes.end());
  ledger_.waiting_bytes += more;
  all_waiting_bytes_ += more;
}

std::unique_ptr<SynPayload> TcpReassembler::TakeSynPayload(HalfOpen& half) {
  if (half.rare == nullptr || half.rare->payload == nullptr) return nullptr;
  std::unique_ptr<SynPayload> payload = std::move(half.rare->payload);
  ledger_.waiting_bytes -= payload->bytes.size();
  all_waiting_bytes_ -= payload->bytes.size() + sizeof(SynPayload);
  if (payload->may_be_told) {
    const auto told = told_syns_.find(payload->sender);
    if (--told->second == 0) told_syns_.erase(told);
  }
  return payload;
}

void TcpReassembler::DropSynPayload(HalfOpen& half) {
  const auto payload = TakeSynPayload(half);
  if (payload != nullptr) ledger_.unconfirmed_bytes += payload->bytes.size();
}

void TcpReassembler::ForgetHalfOpen(uint32_t index) {
  ++ledger_.half_open_expired;
  HalfOpen& half = table_.half_open(index);
  if (recorder_ != nullptr && half.rare != nullptr) recorder_->GiveUp(&half.rare->frames);
  DropSynPayload(half);
  table_.Remove({index, EntryKind::kHalfOpen});
}

// Only one side was ever seen, and nobody contradicts what it sent: that is evidence.
void TcpReassembler::ExpireHalfOpen(uint32_t index, CloseReason reason) {
  HalfOpen& waiting = table_.half_open(index);
  const SynPayload* const held = waiting.rare != nullptr ? waiting.rare->payload.get() : nullptr;
  if (held == nullptr || !held->may_be_told) {
    ForgetHalfOpen(index);
    return;
  }
  ++ledger_.half_open_expired;
  HalfOpen half = std::move(waiting);
  table_.Remove({index, EntryKind::kHalfOpen});
  const std::unique_ptr<SynPayload> payload = TakeSynPayload(half);
  Segment segment;
  segment.key = half.key;
  segment.from_high = half.client_is_high != half.server_isn_known;
  segment.link = &payload->link;
  segment.tunnels = &payload->tunnels;
  Opening opening{half.client_is_high, half.server_isn_known ? OpenedBy::kSynAck : OpenedBy::kSyn,
                  half.first_time_ns};
  opening.unconfirmed = true;
  const uint32_t opened = OpenFlow(segment, opening);
  if (recorder_ != nullptr) {
    recorder_->GiveToFlow(table_.flow(opened).id, half.client_is_high, &half.rare->frames);
  }
  const Direction direction = half.server_isn_known ? kServer : kClient;
  FeedSyn(opened, direction, &half, payload->isn);
  TcpStream& stream = table_.flow(opened).streams[static_cast<size_t>(direction)];
  stream.OnData(ContextOf(table_.flow(opened), direction), payload->isn + 1, payload->bytes, 0,
                half.first_time_ns);
  CloseFlow(opened, reason);
}

// A late repeat of the connection before.
bool TcpReassembler::IsOfBefore(const HalfOpen& half, const Segment& segment) const {
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

void TcpReassembler::OnHalfOpen(uint32_t index, const Segment& segment) {
  HalfOpen& half = table_.half_open(index);
  half.last_time_ns = latest_ns_;
  const bool from_client = segment.from_high == half.client_is_high;
  // Numbers behind the SYN count its payload, if it was taken.
  const SynPayload* const payload = half.rare == nullptr ? nullptr : half.rare->payload.get();
  const auto held = static_cast<uint32_t>(payload == nullptr ? 0 : payload->bytes.size());
  const auto is_client_isn = [&half, payload, held](uint32_t isn) {
    return isn == half.client_isn[0] || (half.client_isns == 2 && isn == half.client_isn[1]) ||
           (held > 0 && isn == payload->isn + held);
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
    ForgetHalfOpen(index);
    return;
  }
  if (IsOfBefore(half, segment)) {
    ++ledger_.tombstone_segments;
    Ignore(segment, &ReassemblyLedger::after_close_bytes);
    return;
  }
  // The SYN behind its answer, as when the two come from two sensors: both ends have spoken.
  const bool behind_answer = half.server_isn_known && is_client_isn(segment.tcp.sequence);
  if (from_client && IsPureSyn(segment) && !behind_answer) {
    if (!is_client_isn(segment.tcp.sequence)) {
      half.client_isn[1] = half.client_isn[0];
      half.client_isn[0] = segment.tcp.sequence;
      half.client_isns = 2;
    }
    if (segment.tcp.fast_open && !segment.tcp.payload.empty()) {
      FeedFlow(PromoteHalfOpen(index, segment), segment);
    } else {
      HoldSynPayload(half, segment);
    }
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
  HalfOpen half = std::move(table_.half_open(index));
  table_.Remove({index, EntryKind::kHalfOpen});
  // Of two SYNs, the one that the server answered, or that the client goes on from, counts.
  uint32_t client_isn = half.client_isn[0];
  const bool from_client = segment.from_high == half.client_is_high;
  const uint32_t hint = from_client ? segment.tcp.sequence - (IsSyn(segment) ? 0 : 1)
                                    : segment.tcp.acknowledgement - 1;
  if (half.client_isns == 2 && hint == half.client_isn[1]) client_isn = hint;
  Opening opening{half.client_is_high, half.server_isn_known ? OpenedBy::kSynAck : OpenedBy::kSyn,
                  half.first_time_ns};
  const VlanTags vlans = VlansOf(half);
  opening.vlans = &vlans;
  const uint32_t opened = OpenFlow(segment, opening);
  if (recorder_ != nullptr && half.rare != nullptr) {
    recorder_->GiveToFlow(table_.flow(opened).id, half.client_is_high, &half.rare->frames);
  }
  if (half.server_isn_known) {
    FeedSyn(opened, kServer, &half, half.server_isn);
    return opened;
  }
  FeedSyn(opened, kClient, &half, client_isn);
  if (half.client_isns == 2) {
    // The other SYN may be that of another connection, whose answer is still to come.
    const uint32_t other = half.client_isn[client_isn == half.client_isn[0] ? 1 : 0];
    table_.flow(opened).candidate = {true, half.client_is_high, /*is_answer=*/false, other,
                                     half.first_time_ns};
  }
  return opened;
}

// The SYN that a half-open flow remembers, into the flow that comes of it.
void TcpReassembler::FeedSyn(uint32_t index, Direction direction, HalfOpen* half, uint32_t isn) {
  Flow& flow = table_.flow(index);
  TcpStream& stream = flow.streams[static_cast<size_t>(direction)];
  const std::unique_ptr<SynPayload> payload = TakeSynPayload(*half);
  ByteView bytes;
  if (payload != nullptr && payload->isn == isn) {
    bytes = payload->bytes;
  } else if (payload != nullptr) {  // another attempt's
    ledger_.unconfirmed_bytes += payload->bytes.size();
  }
  stream.OnSyn(ContextOf(flow, direction), isn, bytes, false, half->first_time_ns);
  stream.CountPacket(half->wire_length, half->captured_length, half->first_time_ns);
  flow.history.Add(direction == kClient, direction == kClient ? 'S' : 'H');
  if (half->rare != nullptr && (half->rare->before[0].known || half->rare->before[1].known)) {
    flow.closed_sibling = std::make_unique<ClosedStreams>(half->rare->before);
  }
}

uint32_t TcpReassembler::OpenFlow(const Segment& segment, const Opening& opening) {
  const bool beside = table_.Find(segment.key).has_value();
  const uint32_t index = table_.AddFlow(segment.key);
  if (beside) ++ledger_.split_flows;
  Flow& flow = table_.flow(index);
  flow.id = MakeFlowId(flow_numbers_++, segment.key);
  flow.client_is_high = opening.client_is_high;
  flow.first_time_ns = opening.first_time_ns;
  flow.last_time_ns = latest_ns_;
  flow.touched_ns = now_ns_;
  ++ledger_.flows_opened;
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
    ++ledger_.continued_flows;
    info.continued = true;
    info.continues = opening.continues->id;
    for (const Direction direction : {kClient, kServer}) {
      const bool is_high = flow.client_is_high == (direction == kClient);
      const ClosedStream& before = opening.continues->streams[is_high ? 1 : 0];
      if (!before.known) continue;
      info.start_offset[static_cast<size_t>(direction)] = before.length;
      flow.streams[static_cast<size_t>(direction)].Resume(before.resume, before.length);
    }
  }
  events_->OnFlowOpened(info);
  Remind(index, AddNs(now_ns_, limits_.idle_timeout_ns));
  if (beside) EnforceSiblings(segment.key);
  EnforceTableLimits();
  return index;
}

}  // namespace flowstitch
