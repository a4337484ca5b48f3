// Bytes of one stream that wait behind a hole: disjoint chunks in order of position. Where segments
// overlap, a policy says whose bytes count. A chunk can also stand for bytes that the snapshot
// length cut off: a hole of which is known why, that gives way to real bytes.
//
//   next      hole       chunk         hole    chunk
//    |.......................|##########|......|####|
#ifndef FLOWSTITCH_REASSEMBLER_FLOWS_PENDING_BYTES_H_
#define FLOWSTITCH_REASSEMBLER_FLOWS_PENDING_BYTES_H_

#include <cstddef>
#include <memory>
#include <optional>

#include "absl/container/btree_map.h"
#include "absl/functional/function_ref.h"
#include "base/bytes.h"
#include "base/capture_time.h"
#include "reassembler/flows/sequence_space.h"
#include "reassembler/frames/overlap_policy.h"

namespace flowstitch {

// What is kept of the segment that bytes came in.
struct Carrier {
  // NOLINTNEXTLINE(google-explicit-constructor): a time is enough.
  Carrier(TimeNs time = 0, std::optional<uint32_t> number = std::nullopt)
      : time_ns(time), acknowledgement(number) {}
  TimeNs time_ns;  // of its capture
  std::optional<uint32_t> acknowledgement;
};

class PendingBytes {
 public:
  struct Chunk {
    uint32_t length = 0;
    Carrier carrier;                   // of a truncated one the time that Insert was told
    Extent segment;                    // the whole segment that the bytes came in
    std::unique_ptr<uint8_t[]> bytes;  // null: truncated
    uint32_t capacity = 0;             // of `bytes`, where there is more than `length`
  };
  // What an insertion found there already: the bytes that count and those that do not.
  using OnSeen = absl::FunctionRef<void(Position at, ByteView kept, ByteView dropped)>;

  // Where there are more chunks than kManyChunks, what directly follows a chunk of less than
  // kJoinedBytes joins it, as of that one's time: bytes that come one by one would otherwise cost a
  // chunk each, and every overlap a look at all of them.
  static constexpr size_t kManyChunks = 64;
  static constexpr size_t kJoinedBytes = 4096;
  // Memory a chunk costs beyond its bytes, so that a flood of small ones is bounded by bytes.
  static constexpr size_t kChunkOverhead = 96;

  // Stores what is not there, and what the policy prefers; returns how many bytes were new. `seen`
  // gets the rest, part by part.
  size_t Insert(Position at, ByteView bytes, const Carrier& carrier, OverlapPolicy policy,
                OnSeen seen);
  // Marks a range as cut off since `now_ns`, where nothing is there.
  void InsertTruncated(Position at, uint32_t length, TimeNs now_ns);

  bool empty() const { return chunks_.empty(); }
  Position first() const { return chunks_.begin()->first; }
  // The first chunk where it lies there and is a truncated one; else null.
  const Chunk* TruncatedAt(Position at) const {
    if (chunks_.empty() || chunks_.begin()->first != at) return nullptr;
    const Chunk& chunk = chunks_.begin()->second;
    return chunk.bytes == nullptr ? &chunk : nullptr;
  }
  Position end() const;
  // Whether chunks, truncated ones too, follow each other from there to `end`.
  bool Reaches(Position at, Position end) const;
  // Takes the first chunk.
  std::pair<Position, Chunk> TakeFirst();
  // Drops what lies at or behind `limit`; returns the payload bytes dropped.
  size_t DropFrom(Position limit);
  // Drops what lies before `limit`; returns the payload bytes dropped.
  size_t DropBefore(Position limit);

  // Payload bytes held, and memory they cost.
  size_t payload_bytes() const { return payload_bytes_; }
  // Chunks looked at and bytes copied so far.
  uint64_t work() const { return work_; }
  size_t memory_bytes() const { return payload_bytes_ + chunks_.size() * kChunkOverhead; }

 private:
  using Chunks = absl::btree_map<Position, Chunk>;
  // Puts new bytes in place of a part of a chunk; returns the chunk behind them.
  Chunks::iterator Replace(Chunks::iterator it, size_t skip, Chunk middle);
  bool IsBehindAll(Position at) const { return empty() || at >= end(); }
  void Append(Position at, Chunk chunk) {
    chunks_.emplace_hint(chunks_.end(), at, std::move(chunk));
  }
  // Whether the bytes could join the chunk before `it`, and then have.
  bool Join(Chunks::iterator it, Position at, ByteView bytes, OverlapPolicy policy);

  Chunks chunks_;
  size_t payload_bytes_ = 0;
  uint64_t work_ = 0;
};

}  // namespace flowstitch

#endif  // FLOWSTITCH_REASSEMBLER_FLOWS_PENDING_BYTES_H_
