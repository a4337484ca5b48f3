// TCP sequence numbers (RFC 9293, section 3.4) become 64-bit positions at the door: positions never
// wrap, and are compared like numbers. A position is relative to the first number seen, which gets
// kFirstPosition, so that data that lies before it has a place too.
#ifndef FLOWSTITCH_REASSEMBLER_FLOWS_SEQUENCE_SPACE_H_
#define FLOWSTITCH_REASSEMBLER_FLOWS_SEQUENCE_SPACE_H_

#include <cstdint>

namespace flowstitch {

using Position = uint64_t;

// Room below for four wraps of the sequence space.
inline constexpr Position kFirstPosition = Position{1} << 34;

// a - b in sequence space, in [-2^31, 2^31).
inline int32_t SequenceDistance(uint32_t a, uint32_t b) { return static_cast<int32_t>(a - b); }

class SequenceSpace {
 public:
  bool anchored() const { return anchored_; }
  void Anchor(uint32_t sequence) { AnchorAt(sequence, kFirstPosition); }
  void AnchorAt(uint32_t sequence, Position position) {
    reference_sequence_ = sequence;
    reference_ = position;
    anchored_ = true;
  }
  // The position nearest to the reference that has this number.
  Position PositionOf(uint32_t sequence) const {
    const int64_t distance = SequenceDistance(sequence, reference_sequence_);
    return reference_ + static_cast<uint64_t>(distance);
  }
  uint32_t SequenceOf(Position position) const {
    return reference_sequence_ + static_cast<uint32_t>(position - reference_);
  }
  // Follows the stream, so that what is nearest stays right beyond 2^31 bytes.
  void Advance(Position position) {
    if (position <= reference_) return;
    reference_sequence_ = SequenceOf(position);
    reference_ = position;
  }

 private:
  uint32_t reference_sequence_ = 0;
  bool anchored_ = false;
  Position reference_ = kFirstPosition;
};

}  // namespace flowstitch

#endif  // FLOWSTITCH_REASSEMBLER_FLOWS_SEQUENCE_SPACE_H_
