// How the lines of a stream end, where its pieces are cut anywhere.
#ifndef FLOWSTITCH_SINKS_CONTENT_HTTP_LINE_ENDS_H_
#define FLOWSTITCH_SINKS_CONTENT_HTTP_LINE_ENDS_H_

#include <cstddef>
#include <string_view>

namespace flowstitch {

class LineEnds {
 public:
  // Bytes of the next piece, which is not empty, up to and with the end of a blank line; 0: there
  // is none. The line before it may have come earlier.
  size_t PastBlankLine(std::string_view piece) const;
  // The piece, or its beginning, has been taken; not empty.
  void Note(std::string_view piece);

 private:
  enum class End { kNone, kLf, kLfCr };
  End end_ = End::kNone;  // of what was taken so far
};

}  // namespace flowstitch

#endif  // FLOWSTITCH_SINKS_CONTENT_HTTP_LINE_ENDS_H_
