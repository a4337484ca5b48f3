#include "reassembler/flows/half_opens.h"

#include <algorithm>
#include <utility>

namespace flowstitch {

uint32_t HalfOpens::Add(const Segment& segment) {
  const uint32_t index = core_.table.AddHalfOpen(segment.key);
  HalfOpen& half = core_.table.half_open(index);
  half.first_time_ns = segment.time_ns;
  half.last_time_ns = core_.latest_ns;
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
  core_.wheel.Add(AddNs(core_.now_ns, core_.limits.half_open_timeout_ns),
                  {index, core_.table.half_open().slab.generation(index), 0,
                   static_cast<uint8_t>(EntryKind::kHalfOpen)});
  return index;
}

void HalfOpens::HoldVlans(HalfOpen& half, const VlanTags& vlans) {
  half.vlan_count = vlans.count;
  half.outer_8021q = vlans.outer_8021q;
  std::copy_n(vlans.ids.begin(), half.vlans.size(), half.vlans.begin());
  if (vlans.count > half.vlans.size()) RareOf(half).vlans = vlans;
}

VlanTags HalfOpens::VlansOf(const HalfOpen& half) {
  if (half.vlan_count > half.vlans.size()) return half.rare->vlans;
  VlanTags vlans{half.vlan_count, half.outer_8021q};
  std::copy_n(half.vlans.begin(), half.vlans.size(), vlans.ids.begin());
  return vlans;
}

HalfOpenRare& HalfOpens::RareOf(HalfOpen& half) {
  if (half.rare == nullptr) half.rare = std::make_unique<HalfOpenRare>();
  return *half.rare;
}

// Payload of a SYN waits for the answer like other bytes, within the limit of all that wait.
void HalfOpens::HoldSynPayload(HalfOpen& half, const Segment& segment) {
  const ByteView bytes = segment.tcp.payload;
  if (bytes.empty()) return;
  if (half.rare != nullptr && half.rare->payload != nullptr) {
    if (half.rare->payload->isn == segment.tcp.sequence) {
      LengthenSynPayload(half, bytes);
      return;
    }
    DropSynPayload(half);  // another attempt took its place
  }
  if (core_.all_waiting_bytes + bytes.size() + sizeof(SynPayload) >
      core_.limits.all_waiting_bytes) {
    core_.Ignore(segment, &ReassemblyLedger::unconfirmed_bytes);
    return;
  }
  auto payload = std::make_unique<SynPayload>();
  payload->bytes.assign(bytes.begin(), bytes.end());
  payload->isn = segment.tcp.sequence;
  payload->sender = (segment.from_high ? segment.key.high : segment.key.low).address;
  payload->link = *segment.link;
  payload->link.datagram = payload->link.subframes = payload->link.beacon_ssid = {};
  payload->tunnels = *segment.tunnels;
  if (uint32_t& told = told_syns_[payload->sender]; told < core_.limits.unanswered_syns) {
    ++told;
    payload->may_be_told = true;
  }
  RareOf(half).payload = std::move(payload);
  core_.ledger.waiting_bytes += bytes.size();
  core_.all_waiting_bytes += bytes.size() + sizeof(SynPayload);
}

// A repeat, or another sensor's copy, may have more of it.
void HalfOpens::LengthenSynPayload(HalfOpen& half, ByteView bytes) {
  std::vector<uint8_t>& held = half.rare->payload->bytes;
  const size_t seen = std::min(held.size(), bytes.size());
  const size_t more = bytes.size() - seen;
  core_.ledger.retransmitted_bytes += seen;
  if (core_.all_waiting_bytes + more > core_.limits.all_waiting_bytes) {
    core_.ledger.unconfirmed_bytes += more;
    return;
  }
  held.insert(held.end(), bytes.begin() + static_cast<long>(seen), bytes.end());
  core_.ledger.waiting_bytes += more;
  core_.all_waiting_bytes += more;
}

std::unique_ptr<SynPayload> HalfOpens::TakeSynPayload(HalfOpen& half) {
  if (half.rare == nullptr || half.rare->payload == nullptr) return nullptr;
  std::unique_ptr<SynPayload> payload = std::move(half.rare->payload);
  core_.ledger.waiting_bytes -= payload->bytes.size();
  core_.all_waiting_bytes -= payload->bytes.size() + sizeof(SynPayload);
  if (payload->may_be_told) {
    const auto told = told_syns_.find(payload->sender);
    if (--told->second == 0) told_syns_.erase(told);
  }
  return payload;
}

void HalfOpens::DropSynPayload(HalfOpen& half) {
  const auto payload = TakeSynPayload(half);
  if (payload != nullptr) core_.ledger.unconfirmed_bytes += payload->bytes.size();
}

void HalfOpens::Forget(uint32_t index) {
  ++core_.ledger.half_open_expired;
  HalfOpen& half = core_.table.half_open(index);
  if (core_.recorder != nullptr && half.rare != nullptr) core_.recorder->GiveUp(&half.rare->frames);
  DropSynPayload(half);
  core_.table.Remove({index, EntryKind::kHalfOpen});
}

}  // namespace flowstitch
