#include "reassembler/duplicate_filter.h"

#include <algorithm>

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

struct Invariants {
  const IpHeader& ip;
  uint64_t scope;

  template <typename H>
  friend H AbslHashValue(H h, const Invariants& i) {
    const IpHeader& d = i.ip;
    h = H::combine_contiguous(std::move(h), d.source.bytes.data(), d.source.bytes.size());
    h = H::combine_contiguous(std::move(h), d.destination.bytes.data(), d.destination.bytes.size());
    h = H::combine(std::move(h), i.scope, d.protocol, d.identification, d.fragment_offset,
                   d.more_fragments, d.payload.size(), d.truncated);
    ByteView rest = d.payload;
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

}  // namespace

uint64_t DigestOf(const IpHeader& ip, uint64_t scope) {
  return absl::Hash<Invariants>{}(Invariants{ip, scope});
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

bool DuplicateFilter::IsCopy(uint64_t digest, uint32_t source, TimeNs time_ns, TimeNs now_ns) {
  if (limits_.window_ns == 0 || limits_.datagrams == 0) return false;
  Forget(now_ns);
  const uint64_t bit = uint64_t{1} << (source % 64);
  const auto it = latest_.try_emplace(digest, kNone).first;
  Sighting* oldest = nullptr;  // that this source has not told of
  uint64_t number = it->second;
  for (int i = 0; i < kMaxCompared; ++i) {
    Sighting* sighting = Find(number);
    if (sighting == nullptr) break;
    const int64_t later_ns = NsBetween(sighting->time_ns, time_ns);
    const bool within = later_ns <= limits_.window_ns && later_ns >= -limits_.window_ns;
    if ((sighting->told_by & bit) == 0 && within) oldest = sighting;
    number = sighting->before;
  }
  if (oldest != nullptr) {
    oldest->told_by |= bit;
    NoteSkew(oldest->source, source, NsBetween(oldest->time_ns, time_ns));
    return true;
  }
  seen_.push_back({digest, time_ns, now_ns, source, bit, it->second});
  it->second = first_ + seen_.size() - 1;
  return false;
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
