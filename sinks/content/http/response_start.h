// Where an HTTP/1 response begins in what a server sent, for all that browsers take for one: junk
// and lines before it, a version in lower case or of another HTTP, ICY (SHOUTcast's).
#ifndef FLOWSTITCH_SINKS_CONTENT_HTTP_RESPONSE_START_H_
#define FLOWSTITCH_SINKS_CONTENT_HTTP_RESPONSE_START_H_

#include <cstddef>
#include <string>
#include <string_view>

namespace flowstitch {

struct ResponseStart {
  enum class Verdict {
    kPlain,   // as RFC 9112 has it, or on the way there
    kOdd,     // it begins behind `skip` bytes, and its first line, of `length`, means `line`
    kUnsure,  // more bytes are needed to tell
    kNone,    // no response begins here
  };
  Verdict verdict = Verdict::kNone;
  size_t skip = 0;
  size_t length = 0;
  std::string line;          // with its end
  const char* anomaly = "";  // for people
};

// What may stand before a response. More is none.
inline constexpr size_t kMaxResponseJunkBytes = 512;

// `text`: from where a response should begin.
ResponseStart FindResponseStart(std::string_view text);

}  // namespace flowstitch

#endif  // FLOWSTITCH_SINKS_CONTENT_HTTP_RESPONSE_START_H_
