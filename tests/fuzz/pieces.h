// An input cut into pieces: a byte says the side (its lowest bit) and the length (the others), from
// 0xfe on it is a gap.
#ifndef FLOWSTITCH_TESTS_FUZZ_PIECES_H_
#define FLOWSTITCH_TESTS_FUZZ_PIECES_H_

#include <algorithm>
#include <string>

#include "base/bytes.h"
#include "base/direction.h"

namespace flowstitch::testing {

inline constexpr uint64_t kPieceGapBytes = 10;

// Calls `bytes(side, offset, view)` and `gap(side, length)`; gives the length of each side.
template <typename Bytes, typename Gap>
void ForEachPiece(ByteView input, uint64_t (&offsets)[2], Bytes bytes, Gap gap) {
  while (!input.empty()) {
    const uint8_t head = input[0];
    input = input.subspan(1);
    const auto side = Direction(head & 1);
    if (head >= 0xfe) {
      gap(side, kPieceGapBytes);
      offsets[side] += kPieceGapBytes;
      continue;
    }
    const size_t n = std::min<size_t>(input.size(), head >> 1);
    bytes(side, offsets[side], input.first(n));
    offsets[side] += n;
    input = input.subspan(n);
  }
}

// The other way round: a text of one side.
inline std::string Pieces(int side, const std::string& text) {
  std::string out;
  for (size_t at = 0; at < text.size(); at += 126) {
    const std::string piece = text.substr(at, 126);
    out += static_cast<char>(piece.size() << 1 | static_cast<size_t>(side));
    out += piece;
  }
  return out;
}

}  // namespace flowstitch::testing

#endif  // FLOWSTITCH_TESTS_FUZZ_PIECES_H_
