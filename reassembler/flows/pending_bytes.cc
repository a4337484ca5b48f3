#include "reassembler/flows/pending_bytes.h"

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

PendingBytes::Chunks::iterator PendingBytes::Replace(Chunks::iterator it, size_t skip,
                                                     Chunk middle) {
  const Position start = it->first;
  Chunk& old = it->second;
  const size_t after = skip + middle.length;
  Chunk right;
  if (after < old.length) {
    right.length = old.length - static_cast<uint32_t>(after);
    right.carrier = old.carrier;
    right.segment = old.segment;
    if (old.bytes != nullptr) right.bytes = CopyOf({old.bytes.get() + after, right.length});
  }
  if (old.bytes == nullptr) payload_bytes_ += middle.length;
  const Position middle_at = start + skip;
  const Position right_at = start + after;
  if (skip == 0) {
    old = std::move(middle);
  } else {
    old.length = static_cast<uint32_t>(skip);
    it = chunks_.emplace(middle_at, std::move(middle)).first;
  }
  if (right.length > 0)
    it = chunks_.emplace(right_at, std::move(right)).first;
  else
    ++it;
  return it;
}

bool PendingBytes::Join(Chunks::iterator it, Position at, ByteView bytes, OverlapPolicy policy) {
  // The other policies ask which segment a byte came in.
  const bool by_order = policy == OverlapPolicy::kFirst || policy == OverlapPolicy::kLast;
  if (!by_order || chunks_.size() <= kManyChunks || it == chunks_.begin()) return false;
  Chunk& chunk = std::prev(it)->second;
  if (chunk.bytes == nullptr || std::prev(it)->first + chunk.length != at ||
      chunk.length + bytes.size() > kJoinedBytes) {
    return false;
  }
  const auto length = chunk.length + static_cast<uint32_t>(bytes.size());
  if (length > chunk.capacity) {
    chunk.capacity = std::min<uint32_t>(2 * length, kJoinedBytes);
    auto larger = std::make_unique_for_overwrite<uint8_t[]>(chunk.capacity);
    std::copy_n(chunk.bytes.get(), chunk.length, larger.get());
    work_ += chunk.length;
    chunk.bytes = std::move(larger);
  }
  std::copy(bytes.begin(), bytes.end(), chunk.bytes.get() + chunk.length);
  work_ += bytes.size();
  chunk.length = length;
  payload_bytes_ += bytes.size();
  return true;
}

size_t PendingBytes::Insert(Position at, ByteView bytes, const Carrier& carrier,
                            OverlapPolicy policy, OnSeen seen) {
  if (bytes.empty()) return 0;
  const Extent offered{at, at + bytes.size()};
  if (IsBehindAll(at) && chunks_.size() <= kManyChunks) {
    work_ += 1 + bytes.size();
    Append(at, {static_cast<uint32_t>(bytes.size()), carrier, offered, CopyOf(bytes)});
    payload_bytes_ += bytes.size();
    return bytes.size();
  }
  size_t added = 0;
  auto it = chunks_.upper_bound(at);
  if (it != chunks_.begin() && std::prev(it)->first + std::prev(it)->second.length > at) --it;
  while (!bytes.empty()) {
    ++work_;
    // Up to the next chunk the bytes are new; within it they are not.
    const bool inside = it != chunks_.end() && it->first <= at;
    size_t n = bytes.size();
    if (inside) {
      const size_t skip = at - it->first;
      n = std::min<size_t>(n, it->second.length - skip);
      const bool real = it->second.bytes != nullptr;
      const bool wins = !real || NewSegmentWins(policy, it->second.segment, offered);
      if (real) {
        const ByteView waiting{it->second.bytes.get() + skip, n};
        if (wins) {
          seen(at, bytes.first(n), waiting);
        } else {
          seen(at, waiting, bytes.first(n));
        }
      }
      if (!real) added += n;
      if (wins) {
        it =
            Replace(it, skip, {static_cast<uint32_t>(n), carrier, offered, CopyOf(bytes.first(n))});
      } else {
        ++it;
      }
    } else {
      if (it != chunks_.end()) n = std::min<size_t>(n, it->first - at);
      added += n;
      if (Join(it, at, bytes.first(n), policy)) {
        at += n;
        bytes = bytes.subspan(n);
        continue;
      }
      work_ += n;
      Chunk chunk{static_cast<uint32_t>(n), carrier, offered, CopyOf(bytes.first(n))};
      it = std::next(chunks_.insert_or_assign(at, std::move(chunk)).first);
      payload_bytes_ += n;
    }
    at += n;
    bytes = bytes.subspan(n);
  }
  return added;
}

void PendingBytes::InsertTruncated(Position at, uint32_t length, TimeNs now_ns) {
  if (length == 0) return;
  const Position end = at + length;
  if (IsBehindAll(at)) {
    ++work_;
    Append(at, {length, now_ns, {at, end}, nullptr});
    return;
  }
  auto it = chunks_.upper_bound(at);
  if (it != chunks_.begin()) at = std::max(at, std::prev(it)->first + std::prev(it)->second.length);
  while (at < end) {
    const Position free_end = it == chunks_.end() ? end : std::min(end, it->first);
    if (at < free_end) {
      ++work_;
      const auto n = static_cast<uint32_t>(free_end - at);
      it = std::next(chunks_.emplace_hint(it, at, Chunk{n, now_ns, {at, free_end}, nullptr}));
    }
    if (it == chunks_.end()) return;
    at = std::max(at, it->first + it->second.length);
    ++it;
  }
}

bool PendingBytes::Reaches(Position at, Position end) const {
  for (const auto& [start, chunk] : chunks_) {
    if (start > at) return false;
    at = std::max(at, start + chunk.length);
  }
  return at >= end;
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
    Chunk rest{chunk.length - cut, chunk.carrier, chunk.segment, nullptr};
    if (holds_bytes) {
      rest.bytes = CopyOf({chunk.bytes.get() + cut, rest.length});
      payload_bytes_ += rest.length;
    }
    chunks_.insert_or_assign(limit, std::move(rest));
  }
  return dropped;
}

}  // namespace flowstitch
