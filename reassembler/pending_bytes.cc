#include "reassembler/pending_bytes.h"

#include <algorithm>
#include <utility>

namespace flowstitch {
namespace {

std::unique_ptr<uint8_t[]> CopyOf(ByteView bytes) {
  auto copy = std::make_unique_for_overwrite<uint8_t[]>(bytes.size());
  std::copy(bytes.begin(), bytes.end(), copy.get());
  return copy;
}

}  // namespace

Position PendingBytes::end() const {
  const auto& last = *chunks_.rbegin();
  return last.first + last.second.length;
}

size_t PendingBytes::Insert(Position at, ByteView bytes, TimeNs time_ns, const OnSeen& seen) {
  size_t added = 0;
  auto it = chunks_.upper_bound(at);
  if (it != chunks_.begin() && std::prev(it)->first + std::prev(it)->second.length > at) --it;
  while (!bytes.empty()) {
    // Up to the next chunk the bytes are new; within it they are not.
    const bool inside = it != chunks_.end() && it->first <= at;
    if (inside) {
      const size_t skip = at - it->first;
      const size_t n = std::min<size_t>(bytes.size(), it->second.length - skip);
      if (it->second.bytes != nullptr && seen) {
        seen(at, {it->second.bytes.get() + skip, n}, bytes.first(n));
      }
      at += n;
      bytes = bytes.subspan(n);
      ++it;
      continue;
    }
    const size_t room = it == chunks_.end() ? bytes.size() : static_cast<size_t>(it->first - at);
    const size_t n = std::min(bytes.size(), room);
    Chunk chunk{static_cast<uint32_t>(n), time_ns, CopyOf(bytes.first(n))};
    it = std::next(chunks_.insert_or_assign(at, std::move(chunk)).first);
    payload_bytes_ += n;
    added += n;
    at += n;
    bytes = bytes.subspan(n);
  }
  return added;
}

void PendingBytes::InsertTruncated(Position at, uint32_t length, TimeNs time_ns) {
  auto it = chunks_.upper_bound(at);
  if (it != chunks_.begin()) {
    const Position before = std::prev(it)->first + std::prev(it)->second.length;
    if (before > at) {
      if (before - at >= length) return;
      length -= static_cast<uint32_t>(before - at);
      at = before;
    }
  }
  if (it != chunks_.end() && it->first < at + length)
    length = static_cast<uint32_t>(it->first - at);
  if (length > 0) chunks_.insert_or_assign(at, Chunk{length, time_ns, nullptr});
}

std::pair<Position, PendingBytes::Chunk> PendingBytes::TakeFirst() {
  auto it = chunks_.begin();
  std::pair<Position, Chunk> first(it->first, std::move(it->second));
  chunks_.erase(it);
  if (first.second.bytes != nullptr) payload_bytes_ -= first.second.length;
  return first;
}

size_t PendingBytes::DropFrom(Position limit) {
  size_t dropped = 0;
  while (!chunks_.empty() && end() > limit) {
    auto last = std::prev(chunks_.end());
    const bool whole = last->first >= limit;
    const auto excess = static_cast<uint32_t>(whole ? last->second.length : end() - limit);
    if (last->second.bytes != nullptr) dropped += excess;
    if (whole) {
      chunks_.erase(last);
    } else {
      last->second.length -= excess;
    }
  }
  payload_bytes_ -= dropped;
  return dropped;
}

size_t PendingBytes::DropBefore(Position limit) {
  size_t dropped = 0;
  while (!chunks_.empty() && first() < limit) {
    auto [at, chunk] = TakeFirst();
    const auto cut = static_cast<uint32_t>(std::min<uint64_t>(limit - at, chunk.length));
    const bool holds_bytes = chunk.bytes != nullptr;
    if (holds_bytes) dropped += cut;
    if (cut == chunk.length) continue;
    Chunk rest{chunk.length - cut, chunk.time_ns, nullptr};
    if (holds_bytes) {
      rest.bytes = CopyOf({chunk.bytes.get() + cut, rest.length});
      payload_bytes_ += rest.length;
    }
    chunks_.insert_or_assign(limit, std::move(rest));
  }
  return dropped;
}

}  // namespace flowstitch
