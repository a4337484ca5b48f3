// The bytes that all streams delivered last, in one ring, so that a repeat with other bytes is
// still noticed. A stream keeps one number, the mark of its newest record; records link back.
//
//   |...record of A|record of B|record of A|head.......(oldest)|
#ifndef FLOWSTITCH_REASSEMBLER_DELIVERED_WINDOW_H_
#define FLOWSTITCH_REASSEMBLER_DELIVERED_WINDOW_H_

#include <memory>

#include "absl/functional/function_ref.h"
#include "base/bytes.h"
#include "reassembler/sequence_space.h"

namespace flowstitch {

class DeliveredWindow {
 public:
  // 0 bytes: remembers nothing.
  explicit DeliveredWindow(size_t bytes)
      : size_(bytes / kAlign * kAlign), ring_(std::make_unique_for_overwrite<uint8_t[]>(size_)) {}

  // Remembers bytes of a stream. `mark` is the stream's own, 0 at first.
  void Append(uint64_t* mark, Position at, ByteView bytes);

  // Gives what is remembered of a stream's bytes in [at, at + length), newest first.
  using OnKept = absl::FunctionRef<void(Position at, ByteView kept)>;
  void Find(uint64_t mark, Position at, uint64_t length, OnKept kept) const;

 private:
  struct Record {
    uint64_t previous;  // mark of the stream's record before
    Position at;
    uint64_t length;
  };
  static constexpr size_t kAlign = 8;
  // Records of a stream that a search looks at.
  static constexpr int kMaxSteps = 512;

  bool Holds(uint64_t mark) const { return mark != 0 && head_ <= mark - 1 + size_; }
  size_t Place(uint64_t mark) const { return (mark - 1) % size_; }

  const size_t size_;
  const std::unique_ptr<uint8_t[]> ring_;  // read only where it was written
  uint64_t head_ = 0;  // bytes ever written; a record's mark is where it began, plus 1
  uint64_t last_ = 0;  // mark of the newest record
};

}  // namespace flowstitch

#endif  // FLOWSTITCH_REASSEMBLER_DELIVERED_WINDOW_H_
