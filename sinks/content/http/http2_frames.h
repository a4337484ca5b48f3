// HTTP/2's frames (RFC 9113, 4 and 6), and how bytes that begin or hold them are told.
#ifndef FLOWSTITCH_SINKS_CONTENT_HTTP_HTTP2_FRAMES_H_
#define FLOWSTITCH_SINKS_CONTENT_HTTP_HTTP2_FRAMES_H_

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "base/bytes.h"

namespace flowstitch {

enum Http2FrameType : uint8_t {
  kData = 0,
  kHeaders = 1,
  kHttp2Priority = 2,
  kResetStream = 3,
  kSettings = 4,
  kPushPromise = 5,
  kPing = 6,
  kGoAway = 7,
  kWindowUpdate = 8,
  kContinuation = 9,
};
inline constexpr uint8_t kEndStream = 0x1;
inline constexpr uint8_t kEndHeaders = 0x4;
inline constexpr uint8_t kPadded = 0x8;
inline constexpr uint8_t kPriority = 0x20;

inline constexpr size_t kHttp2FrameHeaderBytes = 9;

// Whether a server's side that begins so can be HTTP/2: with a SETTINGS frame.
bool MayBeginHttp2Server(std::string_view bytes);
// Whether a segment that begins so holds frames of HTTP/2, and nothing else: for a side whose
// beginning is not there.
bool HoldsHttp2Frames(ByteView bytes);

}  // namespace flowstitch

#endif  // FLOWSTITCH_SINKS_CONTENT_HTTP_HTTP2_FRAMES_H_
