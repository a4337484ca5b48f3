// Bytes as both directions of a flow that may come through a proxy: what is held comes out again,
// all but an opening, in order.
#include "sinks/content/openings/opening_hold.h"
#include "tests/fuzz/fuzz.h"
#include "tests/fuzz/pieces.h"

using namespace flowstitch;
using namespace flowstitch::testing;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  OpeningHold hold;
  uint64_t offsets[2] = {};
  uint64_t given[2] = {};
  const auto give = [&](const StreamPiece& piece) {
    uint64_t& next = given[piece.direction];
    Must(piece.offset >= next, "pieces come in order");
    Must(next == 0 || piece.offset == next, "only an opening is left out");
    Must(piece.offset <= kMaxProxyOpeningBytes || next > 0, "an opening is short");
    next = piece.offset + piece.bytes.size();
  };
  ForEachPiece(
      {data, size}, offsets,
      [&](Direction side, uint64_t offset, ByteView bytes) {
        hold.Take({side, offset, bytes, 0, std::nullopt}, give);
        Must(hold.memory_bytes() < 64 << 10, "what is held has a limit");
      },
      [&](Direction side, uint64_t length) {
        hold.Release(give);
        given[side] = offsets[side] + length;
      });
  hold.Release(give);
  return 0;
}

std::vector<std::string> flowstitch::testing::FuzzSeeds() {
  const auto text = [](const char* bytes, size_t n) { return std::string(bytes, n); };
  const std::string version2 = text("\r\n\r\n\0\r\nQUIT\n", 12);
  return {
      Pieces(0, "PROXY TCP4 203.0.113.9 198.51.100.2 56324 80\r\nGET / HTTP/1.1\r\n\r\n"),
      Pieces(0, "PROXY UNKNOWN\r\nx"),
      Pieces(0, version2 + text("\x21\x11\0\x0c\xcb\0\x71\x09\xc6\x33\x64\x02\xdc\x04\0\x50", 16)),
      Pieces(0, version2 + text("\x21\x31\0\xd8", 4) + std::string(216, 'p')),
      Pieces(0, text("\4\1\0\x50\0\0\0\1me\0host\0data", 20)) +
          Pieces(1, text("\0\x5a\0\0\0\0\0\0more", 12)),
      Pieces(0, text("\5\2\0\2", 4)) + Pieces(1, text("\5\2", 2)) +
          Pieces(0, text("\1\2me\3pwd", 8)) + Pieces(1, text("\1\0", 2)) +
          Pieces(0, text("\5\1\0\3\4host\0\x50", 11)) +
          Pieces(1, text("\5\0\0\1\0\0\0\0\0\0", 10)) + Pieces(0, "data") + Pieces(1, "more"),
  };
}
