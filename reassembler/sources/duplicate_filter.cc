#include "reassembler/sources/duplicate_filter.h"

#include <algorithm>
#include <utility>

#include "absl/hash/hash.h"

namespace flowstitch {
namespace {

constexpr size_t kTcpChecksumAt = 16;
constexpr size_t kUdpChecksumAt = 6;
// Sightings of one digest that a copy is compared with: somebody who repeats one datagram for ever
// must not make each repeat dearer.
constexpr int kMaxCompared = 16;
// A skew is the mean of so many samples, the latest with most weight.
constexpr uint64_t kSkewSamples = 64;

// The payload's bytes that every usable copy has: a TCP header, or UDP's with some data.
constexpr size_t kHeadBytes = 20;
// Bytes that are compared where the longer copy came first: it is not kept.
constexpr size_t kStartBytes = 64;

// Of a datagram's first `captured` bytes; `told`: so many are told to have been captured.
struct Invariants {
  const IpHeader& ip;
  uint64_t scope;
  size_t captured;
  size_t told;

  template <typename H>
  friend H AbslHashValue(H h, const Invariants& i) {
    const IpHeader& d = i.ip;
    h = H::combine_contiguous(std::move(h), d.source.bytes.data(), d.source.bytes.size());
    h = H::combine_contiguous(std::move(h), d.destination.bytes.data(), d.destination.bytes.size());
    h = H::combine(std::move(h), i.scope, d.protocol, d.identification, d.fragment_offset,
                   d.more_fragments, d.payload.size() + d.truncated, i.told);
    ByteView rest = d.payload.first(i.captured);
    size_t checksum_at = 0;
    if (d.fragment_offset == 0 && d.protocol == kProtocolTcp) checksum_at = kTcpChecksumAt;
    if (d.fragment_offset == 0 && d.protocol == kProtocolUdp) checksum_at = kUdpChecksumAt;
    if (checksum_at > 0 && rest.size() >= checksum_at + 2) {
      h = H::combine_contiguous(std::move(h), rest.data(), checksum_at);
      rest = rest.subspan(checksum_at + 2);
    }
    return H::combine_contiguous(std::move(h), rest.data(), rest.size());
  }
};

uint64_t BitOf(uint32_t source) { return uint64_t{1} << (source % 64); }

}  // namespace

uint64_t DigestOf(const IpHeader& ip, uint64_t scope, size_t captured) {
  return absl::Hash<Invariants>{}(Invariants{ip, scope, captured, captured});
}

DuplicateFilter::Sighting* DuplicateFilter::Find(uint64_t number) {
  if (number == kNone || number < first_) return nullptr;
  return &seen_[number - first_];
}

void DuplicateFilter::Forget(TimeNs now_ns) {
  while (!seen_.empty()) {
    const bool old = AddNs(seen_.front().seen_ns, limits_.window_ns) < now_ns;
    if (!old && seen_.size() < limits_.datagrams) return;
    if (!old) ++forgotten_;
    const auto it = latest_.find(seen_.front().digest);
    if (it != latest_.end() && it->second == first_) latest_.erase(it);
    const auto head = latest_head_.find(seen_.front().head);
    if (head != latest_head_.end() && head->second == first_) latest_head_.erase(head);
    seen_.pop_front();
    ++first_;
  }
}

void DuplicateFilter::NoteSkew(uint32_t first, uint32_t second, int64_t later_ns) {
  const uint32_t low = std::min(first, second);
  const uint32_t high = std::max(first, second);
  Skew& skew = skews_[uint64_t{low} << 32 | high];
  skew.samples += 1;
  const double sample = static_cast<double>(second == high ? later_ns : -later_ns);
  skew.ns += (sample - skew.ns) / static_cast<double>(std::min(skew.samples, kSkewSamples));
}

bool DuplicateFilter::MayBe(const Sighting& sighting, const Offer& offer) const {
  if ((sighting.told_by & BitOf(offer.source)) != 0) return false;
  const int64_t later_ns = NsBetween(sighting.time_ns, offer.time_ns);
  return later_ns <= limits_.window_ns && later_ns >= -limits_.window_ns;
}

// The oldest that the source has not told of.
DuplicateFilter::Sighting* DuplicateFilter::FindSame(const Offer& offer) {
  const auto it = latest_.find(offer.digest);
  Sighting* oldest = nullptr;
  uint64_t number = it == latest_.end() ? kNone : it->second;
  for (int i = 0; i < kMaxCompared; ++i) {
    Sighting* sighting = Find(number);
    if (sighting == nullptr) break;
    if (MayBe(*sighting, offer)) oldest = sighting;
    number = sighting->before;
  }
  return oldest;
}

uint64_t DuplicateFilter::FindOther(const Offer& offer, bool* longer) {
  const auto it = latest_head_.find(offer.head);
  if (offer.head == 0 || it == latest_head_.end()) return kNone;
  const size_t captured = offer.ip.payload.size();
  uint64_t oldest = kNone;
  uint64_t number = it->second;
  for (int i = 0; i < kMaxCompared; ++i) {
    const Sighting* const sighting = Find(number);
    if (sighting == nullptr) break;
    bool same = MayBe(*sighting, offer) && sighting->captured != captured;
    if (same && sighting->captured < captured) {
      same = DigestOf(offer.ip, offer.scope, sighting->captured) == sighting->digest;
    } else if (same && offer.start != 0) {
      same = offer.start == sighting->start;
    }
    if (same) {
      oldest = number;
      *longer = captured > sighting->captured;
    }
    number = sighting->before_head;
  }
  return oldest;
}

// From now on the longer copy is what others are compared with.
void DuplicateFilter::Lengthen(uint64_t number, const Offer& offer) {
  Sighting& sighting = *Find(number);
  const auto it = latest_.find(sighting.digest);
  if (it != latest_.end() && it->second == number) latest_.erase(it);
  uint64_t* link = &latest_.try_emplace(offer.digest, kNone).first->second;
  while (*link != kNone && *link > number) link = &Find(*link)->before;
  sighting.before = std::exchange(*link, number);
  sighting.digest = offer.digest;
  sighting.start = offer.start;
  sighting.captured = static_cast<uint32_t>(offer.ip.payload.size());
}

void DuplicateFilter::IndexHeads() {
  cuts_ = true;
  for (size_t i = 0; i < seen_.size(); ++i) {
    if (seen_[i].head == 0) continue;
    const auto it = latest_head_.try_emplace(seen_[i].head, kNone).first;
    seen_[i].before_head = it->second;
    it->second = first_ + i;
  }
}

void DuplicateFilter::Add(const Offer& offer, TimeNs now_ns) {
  const uint64_t number = first_ + seen_.size();
  Sighting sighting;
  sighting.digest = offer.digest;
  sighting.time_ns = offer.time_ns;
  sighting.seen_ns = now_ns;
  sighting.source = offer.source;
  sighting.told_by = BitOf(offer.source);
  sighting.before = std::exchange(latest_.try_emplace(offer.digest, kNone).first->second, number);
  sighting.head = offer.head;
  sighting.start = offer.start;
  sighting.captured = static_cast<uint32_t>(offer.ip.payload.size());
  if (cuts_ && offer.head != 0) {
    sighting.before_head =
        std::exchange(latest_head_.try_emplace(offer.head, kNone).first->second, number);
  }
  seen_.push_back(sighting);
}

DuplicateFilter::Verdict DuplicateFilter::Judge(const IpHeader& ip, uint64_t scope, uint32_t source,
                                                TimeNs time_ns, TimeNs now_ns) {
  if (limits_.window_ns == 0 || limits_.datagrams == 0) return {};
  Forget(now_ns);
  const size_t whole = ip.payload.size() + ip.truncated;
  const size_t head = std::min(whole, kHeadBytes);
  Offer offer{ip, scope, source, time_ns, DigestOf(ip, scope), 0, 0};
  if (ip.payload.size() >= head) offer.head = absl::Hash<Invariants>{}({ip, scope, head, 0});
  if (ip.payload.size() >= kStartBytes) {
    offer.start = static_cast<uint32_t>(absl::Hash<Invariants>{}({ip, scope, kStartBytes, 0}));
  }
  if (ip.truncated > 0 && !cuts_) IndexHeads();
  const auto note = [&](Sighting* sighting) {
    sighting->told_by |= BitOf(source);
    NoteSkew(sighting->source, source, NsBetween(sighting->time_ns, time_ns));
  };
  Verdict verdict;
  verdict.digest = offer.digest;
  if (Sighting* same = FindSame(offer); same != nullptr) {
    note(same);
    verdict.copy = true;
    return verdict;
  }
  bool longer = false;
  const uint64_t other = cuts_ ? FindOther(offer, &longer) : kNone;
  if (other == kNone) {
    Add(offer, now_ns);
    return verdict;
  }
  Sighting* const sighting = Find(other);
  note(sighting);
  if (!longer) {
    verdict.copy = true;
    return verdict;
  }
  verdict.longer_than = sighting->digest;
  verdict.known = sighting->captured;
  Lengthen(other, offer);
  return verdict;
}

DuplicateFilter::Skew DuplicateFilter::skew(uint32_t source) const {
  // From `source` on, along the pairs that share datagrams.
  absl::flat_hash_map<uint32_t, Skew> reached = {{source, Skew{source, 0, 0}}};
  std::deque<uint32_t> next = {source};
  while (!next.empty()) {
    const uint32_t at = next.front();
    next.pop_front();
    const Skew so_far = reached[at];
    for (const auto& [pair, skew] : skews_) {
      const auto low = static_cast<uint32_t>(pair >> 32);
      const auto high = static_cast<uint32_t>(pair);
      if (low != at && high != at) continue;
      const uint32_t other = low == at ? high : low;
      // `source` behind `at`, and that behind the other.
      const double ns = so_far.ns + (high == at ? skew.ns : -skew.ns);
      const uint64_t samples =
          so_far.samples == 0 ? skew.samples : std::min(so_far.samples, skew.samples);
      if (reached.try_emplace(other, Skew{other, ns, samples}).second) next.push_back(other);
    }
  }
  Skew best{source, 0, 0};
  for (const auto& [other, skew] : reached) {
    if (other < best.reference) best = skew;
  }
  return best;
}

}  // namespace flowstitch
