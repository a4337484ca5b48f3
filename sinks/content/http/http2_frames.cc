#include "sinks/content/http/http2_frames.h"

#include <algorithm>
#include <iterator>

namespace flowstitch {

bool MayBeginHttp2Server(std::string_view bytes) {
  // Length of whole settings, not many; type; no flags; stream 0.
  const auto at = [bytes](size_t i) { return static_cast<uint8_t>(bytes[i]); };
  if (bytes.size() > 0 && at(0) != 0) return false;
  if (bytes.size() > 1 && at(1) != 0) return false;
  if (bytes.size() > 2 && (at(2) % 6 != 0 || at(2) > 120)) return false;
  if (bytes.size() > 3 && at(3) != kSettings) return false;
  for (size_t i = 4; i < std::min(bytes.size(), kHttp2FrameHeaderBytes); ++i) {
    if (at(i) != 0) return false;
  }
  return true;
}

bool HoldsHttp2Frames(ByteView bytes) {
  constexpr uint32_t kMostBytes = 1 << 17;
  constexpr uint32_t kMostStream = 1 << 24;
  // RFC 9113, 6: the flags that a frame may have, and whether it is of a stream.
  struct Form {
    uint8_t flags;
    bool of_stream;
    bool of_connection;
  };
  constexpr Form kForms[] = {{0x09, true, false}, {0x2d, true, false}, {0, true, false},
                             {0, true, false},    {1, false, true},    {0x0c, true, false},
                             {1, false, true},    {0, false, true},    {0, true, true},
                             {0x04, true, false}};
  size_t at = 0;
  size_t whole = 0;
  bool telling = false;
  while (bytes.size() - at >= kHttp2FrameHeaderBytes) {
    const uint8_t* const p = bytes.data() + at;
    const uint32_t length = static_cast<uint32_t>(p[0]) << 16 | LoadBe16(p + 1);
    const uint32_t stream = LoadBe32(p + 5);
    if (p[3] >= std::size(kForms) || length > kMostBytes || stream >= kMostStream) return false;
    const Form& form = kForms[p[3]];
    const bool placed = stream == 0 ? form.of_connection : form.of_stream;
    if (!placed || (p[4] & ~form.flags) != 0) return false;
    const bool sized = p[3] == kHttp2Priority                          ? length == 5
                       : p[3] == kResetStream || p[3] == kWindowUpdate ? length == 4
                       : p[3] == kSettings ? length % 6 == 0 && length <= 120
                       : p[3] == kPing     ? length == 8
                       : p[3] == kGoAway   ? length >= 8
                       : p[3] == kHeaders || p[3] == kContinuation ? length > 0
                       : p[3] == kData && length == 0              ? p[4] == kEndStream
                                                                   : true;
    if (!sized) return false;
    if (length > bytes.size() - at - kHttp2FrameHeaderBytes) break;
    at += kHttp2FrameHeaderBytes + length;
    ++whole;
    telling = telling || p[3] != kData;
  }
  // Data alone proves little, and what does not end with the segment not much more.
  return telling && whole >= (at == bytes.size() ? 1 : 3);
}

}  // namespace flowstitch
