// The bytes that all streams delivered last, so that a repeat with other bytes is still noticed.
// Records of them stand in one ring; a stream keeps one number, the mark of its newest record, and
// records link back.
//
//   |...record of A|record of B|record of A|head.......(oldest)|
//
// Bytes that lie in memory which can be kept (the batch that a frame came in) are not copied: their
// record says where they are, until the window has enough newer ones.
#ifndef FLOWSTITCH_REASSEMBLER_FLOWS_DELIVERED_WINDOW_H_
#define FLOWSTITCH_REASSEMBLER_FLOWS_DELIVERED_WINDOW_H_

#include <deque>
#include <memory>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/functional/function_ref.h"
#include "base/bytes.h"
#include "reassembler/flows/sequence_space.h"

namespace flowstitch {

class DeliveredWindow {
 public:
  // So many bytes are remembered (copies give up some of that for their records), and at most three
  // times as much memory is kept. 0: nothing is remembered.
  explicit DeliveredWindow(size_t bytes)
      : size_(bytes / kAlign * kAlign), ring_(std::make_unique_for_overwrite<uint8_t[]>(size_)) {}

  // What is appended from now on may lie in `area`, which stays as it is as long as `owner` lives.
  void SetArea(ByteView area, const std::shared_ptr<const void>& owner);

  // Remembers bytes of a stream. `mark` is the stream's own, 0 at first.
  void Append(uint64_t* mark, Position at, ByteView bytes);

  // Gives what is remembered of a stream's bytes in [at, at + length), newest record first.
  using OnKept = absl::FunctionRef<void(Position at, ByteView kept)>;
  void Find(uint64_t mark, Position at, uint64_t length, OnKept kept) const;

 private:
  struct Record {
    uint64_t previous;  // mark of the stream's record before
    Position at;
    uint64_t length;
    uint64_t area;   // number of the one that the bytes are in; 0: they follow
    uint64_t parts;  // that follow, where they are in an area
  };
  // A part of a record's bytes in an area: segments do not lie side by side.
  struct Part {
    const uint8_t* data;
    uint64_t end;  // where it ends in the record
  };
  struct Area {
    std::shared_ptr<const void> owner;
    size_t size = 0;        // memory
    size_t remembered = 0;  // of its bytes
  };
  static constexpr size_t kAlign = 8;
  // What an area costs beside its bytes, about: few frames come at a time where there is little
  // traffic.
  static constexpr size_t kAreaBytes = 4096;
  // Records of a stream that a search looks at.
  static constexpr int kMaxSteps = 512;

  bool Holds(uint64_t mark) const { return mark != 0 && head_ <= mark - 1 + size_; }
  size_t Place(uint64_t mark) const { return (mark - 1) % size_; }
  Record RecordAt(uint64_t mark) const;
  // Puts a record at the head of the ring, with room for `size` bytes behind it, which are the
  // caller's to fill.
  uint8_t* Add(uint64_t* mark, const Record& record, size_t size);
  // More room behind the newest record; null when there is none.
  uint8_t* Grow(Record record, size_t size_before, size_t more);
  void AppendCopy(uint64_t* mark, Position at, ByteView bytes);
  void AppendPart(uint64_t* mark, Position at, ByteView bytes);
  bool InArea(ByteView bytes) const;
  ByteView Gather(const Record& record, const uint8_t* parts, Position start, Position end) const;
  void DropAreas();
  uint64_t last_area() const { return first_area_ + areas_.size() - 1; }

  const size_t size_;
  const std::unique_ptr<uint8_t[]> ring_;  // read only where it was written
  uint64_t head_ = 0;  // bytes ever written; a record's mark is where it began, plus 1
  uint64_t last_ = 0;  // mark of the newest record

  std::deque<Area> areas_;  // the first one has the number first_area_
  uint64_t first_area_ = 1;
  absl::flat_hash_map<const void*, uint64_t> numbers_;  // by owner
  ByteView area_;                                       // that is set
  std::shared_ptr<const void> owner_;
  uint64_t area_number_ = 0;  // 0: nothing of it has been remembered
  size_t remembered_ = 0;     // in all areas
  // Memory of the areas so far, and bytes of them that were appended; both halved now and then.
  uint64_t seen_ = 0;
  uint64_t used_ = 0;
  bool refers_ = false;                    // to the area that is set
  mutable std::vector<uint8_t> gathered_;  // parts, for Find
  size_t kept_ = 0;                        // memory of all areas
};

}  // namespace flowstitch

#endif  // FLOWSTITCH_REASSEMBLER_FLOWS_DELIVERED_WINDOW_H_
