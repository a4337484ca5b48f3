// Bytes of one stream that wait behind a hole: disjoint chunks in order of position. Where segments
// overlap, a policy says whose bytes count. A chunk can also stand for bytes that the snapshot
// length cut off: they are known to be missing, wait for their place like the others, and give way
// to real ones.
//
//   next      hole       chunk         hole    chunk
//    |.......................|##########|......|####|
#ifndef FLOWSTITCH_REASSEMBLER_PENDING_BYTES_H_
#define FLOWSTITCH_REASSEMBLER_PENDING_BYTES_H_

#include <cstddef>
#include <memory>

#include "absl/container/btree_map.h"
#include "absl/functional/function_ref.h"
#include "base/bytes.h"
#include "base/capture_time.h"
#include "reassembler/overlap_policy.h"
#include "reassembler/sequence_space.h"

namespace flowstitch {

class PendingBytes {
 public:
  struct Chunk {
    uint32_t length = 0;
    TimeNs time_ns = 0;
    Extent segment;                    // the whole segment that the bytes came in
    std::unique_ptr<uint8_t[]> bytes;  // null: truncated, known to be missing
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
  size_t Insert(Position at, ByteView bytes, TimeNs time_ns, OverlapPolicy policy, OnSeen seen);
  // Marks a range as cut off, where nothing is there.
  void InsertTruncated(Position at, uint32_t length, TimeNs time_ns);

  bool empty() const { return chunks_.empty(); }
  Position first() const { return chunks_.begin()->first; }
  Position end() const;
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
  // Whether the bytes could join the chunk before `it`, and then have.
  bool Join(Chunks::iterator it, Position at, ByteView bytes, OverlapPolicy policy);

  Chunks chunks_;
  size_t payload_bytes_ = 0;
  uint64_t work_ = 0;
};

}  // namespace flowstitch

#endif  // FLOWSTITCH_REASSEMBLER_PENDING_BYTES_H_
