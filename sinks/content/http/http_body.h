// The body of an HTTP/1 message under way: where it ends, and what is wrong with it.
#ifndef FLOWSTITCH_SINKS_CONTENT_HTTP_HTTP_BODY_H_
#define FLOWSTITCH_SINKS_CONTENT_HTTP_HTTP_BODY_H_

#include <algorithm>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>

namespace flowstitch {

// What tells where a body ends (RFC 9112, 6.3).
enum class BodyFraming { kNone, kCounted, kChunked, kUntilClose };

struct HttpBody {
  // The message's head was given out.
  void Start(BodyFraming by, uint64_t length) {
    open = true;
    framing = by;
    left = by == BodyFraming::kCounted ? length : 0;
    bytes = 0;
    wrong = "";
    gap = until_close = false;
    behind_chunk.clear();
  }

  struct End {
    bool complete;
    const char* why;  // not; empty: nothing is known to be wrong
  };
  // The message has ended; `complete` and `why`, which may be empty, as far as others know.
  End Finish(bool complete, const char* why) {
    open = false;
    const char* const odd = std::exchange(anomaly, "");
    if (*why == '\0') why = gap ? "bytes are missing inside it" : wrong;
    if (*why == '\0') why = odd;
    return {complete && !gap && *wrong == '\0', why};
  }

  // Behind a chunk's data its line end stands (RFC 9112, 7.1). libhtp passes over whatever else
  // does. `ends`: the next chunk's data follows.
  void NoteBetweenChunks(std::string_view text, bool ends) {
    constexpr size_t kMostBytes = 64;  // are enough to tell
    behind_chunk.append(text.substr(0, kMostBytes - std::min(kMostBytes, behind_chunk.size())));
    const bool odd =
        bytes > 0 && !behind_chunk.empty() && behind_chunk[0] != '\r' && behind_chunk[0] != '\n';
    if (odd) wrong = "bytes stand behind a chunk's end: they were skipped";
    if (ends) behind_chunk.clear();
  }

  bool open = false;  // its head was given out, its end was not
  BodyFraming framing = BodyFraming::kNone;
  uint64_t left = 0;   // of a counted one
  uint64_t bytes = 0;  // so far
  const char* wrong = "";
  bool gap = false;              // in it
  const char* anomaly = "";      // of the message's head: it is read all the same
  bool doubtful_length = false;  // a Content-Length that is no number
  bool until_close = false;      // libhtp has done with it: the body goes on to the end
  std::string behind_chunk;      // the first of what stands there
};

}  // namespace flowstitch

#endif  // FLOWSTITCH_SINKS_CONTENT_HTTP_HTTP_BODY_H_
