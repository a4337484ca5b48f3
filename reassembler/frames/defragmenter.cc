#include "reassembler/frames/defragmenter.h"

#include <algorithm>

#include "base/flow_key.h"

namespace flowstitch {

void Defragmenter::Forget(Datagrams::iterator it) {
  bytes_ -= it->cost;
  by_key_.erase(it->key);
  datagrams_.erase(it);
}

void Defragmenter::GiveUp(Datagrams::iterator it, ReassemblyLedger* ledger) {
  if (it->given == 0) ledger->fragments_dropped += it->fragments;
  Forget(it);
}

Defragmenter::Datagrams::iterator Defragmenter::Start(const Key& key, TimeNs now_ns,
                                                      ReassemblyLedger* ledger) {
  if (datagrams_.size() >= limits_.datagrams) GiveUp(datagrams_.begin(), ledger);
  datagrams_.push_back({});
  const auto it = std::prev(datagrams_.end());
  it->key = key;
  it->first_time_ns = now_ns;
  by_key_.emplace(key, it);
  return it;
}

Defragmenter::Overlap Defragmenter::Compare(const Datagram& datagram, uint32_t offset,
                                            ByteView bytes) {
  const uint32_t end = offset + static_cast<uint32_t>(bytes.size());
  const auto& ranges = datagram.captured.list;
  const auto after =
      std::upper_bound(ranges.begin(), ranges.end(), offset,
                       [](uint32_t o, const auto& range) { return o < range.second; });
  if (after == ranges.end() || after->first >= end) return Overlap::kNone;
  bool repeated = false;
  for (const Part& part : datagram.parts) {
    const uint32_t from = std::max(offset, part.offset);
    const uint32_t to = std::min(end, part.end());
    if (from >= to) continue;
    if (!std::equal(bytes.begin() + (from - offset), bytes.begin() + (to - offset),
                    part.bytes.begin() + (from - part.offset))) {
      return Overlap::kConflicting;
    }
    repeated |= part.offset <= offset && end <= part.end();
  }
  return repeated ? Overlap::kRepeated : Overlap::kPartial;
}

// Adds a range to what is there.
void Defragmenter::Ranges::Cover(uint32_t start, uint32_t end) {
  auto first = std::lower_bound(list.begin(), list.end(), start,
                                [](const auto& range, uint32_t s) { return range.second < s; });
  auto last = first;
  for (; last != list.end() && last->first <= end; ++last) {
    start = std::min(start, last->first);
    end = std::max(end, last->second);
    total -= last->second - last->first;
  }
  total += end - start;
  list.insert(list.erase(first, last), {start, end});
}

// Paints the parts one over the other in the order in which they came.
void Defragmenter::Assemble(const Datagram& datagram) {
  whole_.assign(datagram.length, 0);
  if (datagram.overlaps) owners_.assign(datagram.length, UINT32_MAX);
  for (uint32_t i = 0; i < datagram.parts.size(); ++i) {
    const Part& part = datagram.parts[i];
    if (!datagram.overlaps) {
      std::copy(part.bytes.begin(), part.bytes.end(), whole_.begin() + part.offset);
      continue;
    }
    for (uint32_t at = part.offset; at < part.end(); ++at) {
      const uint32_t owner = owners_[at];
      if (owner != UINT32_MAX) {
        const Part& other = datagram.parts[owner];
        if (!NewFragmentWins(limits_.overlap, {other.offset, other.end()},
                             {part.offset, part.end()})) {
          continue;
        }
      }
      owners_[at] = i;
      whole_[at] = part.bytes[at - part.offset];
    }
  }
}

std::optional<IpHeader> Defragmenter::Add(const IpHeader& fragment, uint64_t path, TimeNs now_ns,
                                          ReassemblyLedger* ledger) {
  while (!datagrams_.empty() &&
         (now_ns > AddNs(datagrams_.front().first_time_ns, limits_.timeout_ns) ||
          bytes_ > limits_.bytes)) {
    GiveUp(datagrams_.begin(), ledger);
  }
  const auto drop = [&]() -> std::optional<IpHeader> {
    ++ledger->fragments_absorbed;
    ++ledger->fragments_dropped;
    return std::nullopt;
  };
  const ByteView bytes = fragment.payload;
  const uint32_t offset = fragment.fragment_offset;
  const uint64_t sent = uint64_t{bytes.size()} + fragment.truncated;
  const bool ragged = fragment.more_fragments && sent % 8 != 0;
  if (bytes.empty() || ragged || offset + sent > kMaxDatagramPayload) return drop();
  const bool ipv4 = fragment.source.family == IpFamily::kIpv4;
  const Key key{fragment.source, fragment.destination, path, fragment.identification,
                ipv4 ? fragment.protocol : uint8_t{0}};
  const auto found = by_key_.find(key);
  auto it = found != by_key_.end() ? found->second : Start(key, now_ns, ledger);
  const auto end = static_cast<uint32_t>(offset + sent);
  Overlap overlap = Compare(*it, offset, bytes);
  // A second last fragment, or data beyond the last one, contradicts.
  bool contradicts =
      it->length != 0 && (end > it->length || (!fragment.more_fragments && end != it->length));
  contradicts |= !fragment.more_fragments && it->seen.end() > end;
  if ((contradicts || overlap == Overlap::kConflicting) &&
      now_ns > AddNs(it->first_time_ns, limits_.reuse_ns)) {
    GiveUp(it, ledger);
    it = Start(key, now_ns, ledger);
    overlap = Overlap::kNone;
    contradicts = false;
  }
  if (overlap == Overlap::kConflicting) ++ledger->conflicting_fragments;
  if (contradicts) return drop();  // what came first stays
  if (overlap == Overlap::kRepeated) {
    ++it->fragments;
    ++ledger->fragments_absorbed;
    return std::nullopt;
  }
  if (it->parts.size() >= limits_.fragments ||
      it->payload_bytes + bytes.size() > limits_.datagram_bytes) {
    return drop();
  }
  if (!fragment.more_fragments) it->length = end;
  if (offset == 0) it->protocol = fragment.protocol;
  it->overlaps |= overlap != Overlap::kNone;
  it->parts.push_back({offset, {bytes.begin(), bytes.end()}});
  it->payload_bytes += bytes.size();
  it->cost += bytes.size() + kPartOverhead;
  bytes_ += bytes.size() + kPartOverhead;
  it->captured.Cover(offset, offset + static_cast<uint32_t>(bytes.size()));
  it->seen.Cover(offset, end);
  ++it->fragments;
  // Without its first bytes nobody knows what is in it.
  const bool begins = it->captured.list.front().first == 0;
  if (it->length == 0 || it->seen.total != it->length || !begins) {
    ++ledger->fragments_absorbed;
    return std::nullopt;
  }
  return GiveOut(it, fragment);
}

void Defragmenter::SkipHeaders(size_t bytes) {
  verdict_.known -= std::min(verdict_.known, static_cast<uint32_t>(bytes));
  for (Piece& piece : pieces_) piece.offset -= static_cast<uint32_t>(bytes);
}

IpHeader Defragmenter::GiveOut(Datagrams::iterator it, const IpHeader& fragment) {
  Assemble(*it);
  const auto& captured = it->captured.list;
  const uint32_t prefix = captured.front().second;
  IpHeader datagram = fragment;
  datagram.header = {};  // each fragment's was looked at already, and may lie in `whole_`
  datagram.protocol = it->protocol;
  datagram.payload = ByteView(whole_).first(prefix);
  datagram.truncated = it->length - prefix;
  datagram.fragment = false;
  verdict_ = {};
  pieces_.clear();
  const bool whole = prefix == it->length;
  if (!whole || it->given != 0) {
    verdict_.longer_than = it->given;
    verdict_.known = it->given_prefix;
    if (it->given == 0) it->given = MixBits(++given_) | 1;
    verdict_.digest = it->given;
    it->given_prefix = prefix;
    for (size_t i = 1; i < captured.size(); ++i) {
      const auto [start, end] = captured[i];
      pieces_.push_back({start, ByteView(whole_).subspan(start, end - start)});
    }
  }
  if (whole || !several_sources_) Forget(it);
  return datagram;
}

}  // namespace flowstitch
