#include "reassembler/defragmenter.h"

#include <algorithm>

namespace flowstitch {

void Defragmenter::Forget(Datagrams::iterator it) {
  bytes_ -= it->cost;
  by_key_.erase(it->key);
  datagrams_.erase(it);
}

void Defragmenter::GiveUp(Datagrams::iterator it, ReassemblyLedger* ledger) {
  ledger->fragments_dropped += it->fragments;
  Forget(it);
}

// Stores what is not there yet; false when there are too many parts.
bool Defragmenter::Insert(Datagram* datagram, uint32_t offset, ByteView bytes) {
  auto& parts = datagram->parts;
  auto it = std::upper_bound(parts.begin(), parts.end(), offset,
                             [](uint32_t o, const Part& part) { return o < part.offset; });
  if (it != parts.begin()) {
    const uint32_t before =
        std::prev(it)->offset + static_cast<uint32_t>(std::prev(it)->bytes.size());
    if (before > offset) {
      const size_t seen = std::min<size_t>(before - offset, bytes.size());
      bytes = bytes.subspan(seen);
      offset = before;
    }
  }
  while (!bytes.empty()) {
    if (parts.size() >= limits_.fragments) return false;
    size_t n = bytes.size();
    if (it != parts.end()) n = std::min<size_t>(n, it->offset - offset);
    if (n > 0) {
      it = parts.insert(it, {offset, {bytes.begin(), bytes.begin() + static_cast<long>(n)}});
      datagram->received += static_cast<uint32_t>(n);
      datagram->cost += n + kPartOverhead;
      bytes_ += n + kPartOverhead;
      ++it;
    }
    offset += static_cast<uint32_t>(n);
    bytes = bytes.subspan(n);
    if (bytes.empty() || it == parts.end()) continue;
    const size_t seen = std::min(it->bytes.size(), bytes.size());
    bytes = bytes.subspan(seen);
    offset += static_cast<uint32_t>(seen);
    ++it;
  }
  return true;
}

std::optional<IpHeader> Defragmenter::Add(const IpHeader& fragment, TimeNs now_ns,
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
  const size_t size = fragment.payload.size();
  const bool ragged = fragment.more_fragments && size % 8 != 0;
  if (size == 0 || ragged || fragment.truncated != 0 ||
      fragment.fragment_offset + size > kMaxDatagramPayload) {
    return drop();
  }
  const bool ipv4 = fragment.source.family == IpFamily::kIpv4;
  const Key key{fragment.source, fragment.destination, fragment.identification,
                ipv4 ? fragment.protocol : uint8_t{0}};
  auto found = by_key_.find(key);
  if (found == by_key_.end()) {
    if (datagrams_.size() >= limits_.datagrams) GiveUp(datagrams_.begin(), ledger);
    datagrams_.push_back({});
    datagrams_.back().key = key;
    datagrams_.back().first_time_ns = now_ns;
    found = by_key_.emplace(key, std::prev(datagrams_.end())).first;
  }
  const auto it = found->second;
  const auto end = static_cast<uint32_t>(fragment.fragment_offset + size);
  // A second last fragment, or data beyond the last one, contradicts: what came first stays.
  if (it->length != 0 && (end > it->length || (!fragment.more_fragments && end != it->length))) {
    return drop();
  }
  if (!fragment.more_fragments) {
    if (!it->parts.empty() && it->parts.back().offset + it->parts.back().bytes.size() > end) {
      return drop();
    }
    it->length = end;
  }
  if (fragment.fragment_offset == 0) it->protocol = fragment.protocol;
  if (!Insert(&*it, fragment.fragment_offset, fragment.payload)) return drop();
  ++it->fragments;
  if (it->length == 0 || it->received != it->length) {
    ++ledger->fragments_absorbed;
    return std::nullopt;
  }
  whole_.clear();
  for (const Part& part : it->parts)
    whole_.insert(whole_.end(), part.bytes.begin(), part.bytes.end());
  IpHeader datagram = fragment;
  datagram.protocol = it->protocol;
  datagram.payload = whole_;
  datagram.fragment = false;
  Forget(it);
  return datagram;
}

}  // namespace flowstitch
