// A coded body, whole and in pieces: when both decode, they decode to the same.
#include <algorithm>

#include "sinks/content/http/content_coding.h"
#include "tests/fuzz/fuzz.h"
#include "tests/fuzz/pieces.h"
#include "tests/support/deflated.h"

using namespace flowstitch;
using namespace flowstitch::testing;

namespace {

constexpr const char* kCodings[] = {"gzip",        "deflate",          "br",
                                    "zstd",        "gzip, br",         "zstd, gzip",
                                    "br, deflate", "gzip, gzip, gzip", "x-gzip,,identity"};
constexpr size_t kEnough = 8 << 20;

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size == 0) return 0;
  DecodeLimits limits;
  limits.max_bytes = kEnough;
  const char* coding = kCodings[data[0] % std::size(kCodings)];
  std::unique_ptr<ContentDecoder> decoders[2];
  for (auto& decoder : decoders) {
    Must(MakeContentDecoder(coding, limits, &decoder).ok(), "the codings are known");
  }
  std::string out[2];
  absl::Status status[2];
  std::string whole;
  const auto feed = [&](int which, ByteView bytes) {
    if (!status[which].ok()) return;
    status[which] = decoders[which]->Feed(bytes, [&](ByteView decoded) {
      out[which].append(AsText(decoded));
      return absl::OkStatus();
    });
  };
  uint64_t offsets[2] = {};
  ForEachPiece(
      {data + 1, size - 1}, offsets,
      [&](int, uint64_t, ByteView bytes) {
        whole.append(AsText(bytes));
        feed(1, bytes);
      },
      [](int, uint64_t) {});
  feed(0, AsBytes(whole));
  Must(out[0].size() <= kEnough && out[1].size() <= kEnough, "the limit holds");
  if (!status[0].ok() || !status[1].ok()) return 0;
  // Of what has no end, more or less may be out so far.
  if (!decoders[0]->finished() || !decoders[1]->finished()) {
    const size_t n = std::min(out[0].size(), out[1].size());
    Must(out[0].compare(0, n, out[1], 0, n) == 0, "one goes on where the other stands");
    return 0;
  }
  Must(out[0] == out[1], "the cut does not matter");
  return 0;
}

std::vector<std::string> flowstitch::testing::FuzzSeeds() {
  const std::string text = "some text, some text, some text";
  const std::string gzip = Gzip(text);
  // brotli's and zstd's raw blocks.
  const std::string brotli("\x8b\x02\x80hello\x03", 9);
  const std::string zstd("\x28\xb5\x2f\xfd\x20\x05\x29\0\0hello", 14);
  return {std::string("\0", 1) + Pieces(0, gzip + gzip + "tail"),
          "\1" + Pieces(0, Deflated(text, 15)),
          "\1" + Pieces(1, Deflated(text, -15)),
          "\2" + Pieces(0, brotli),
          "\3" + Pieces(0, zstd + zstd),
          "\7" + Pieces(0, gzip)};
}
