// The parts of a multipart body (RFC 2046, 5.1; RFC 7578 for forms), found as its bytes pass.
//
//   preamble CRLF --boundary CRLF fields CRLF CRLF content CRLF --boundary ... CRLF --boundary--
//   epilogue
//
// The line break before a delimiter belongs to the delimiter; a bare LF is taken for one too. A
// boundary is only that if nothing but blanks follow it on its line, so that one boundary may begin
// with another.
//
// Cameras send frame after frame (multipart/x-mixed-replace), and write the delimiter as they like:
// declared with its "--", sent without them, another one, or none before the first part. What the
// body begins with counts.
#ifndef FLOWSTITCH_SINKS_CONTENT_HTTP_MULTIPART_H_
#define FLOWSTITCH_SINKS_CONTENT_HTTP_MULTIPART_H_

#include <optional>
#include <string>

#include "sinks/content/http/http_events.h"

namespace flowstitch {

// The boundary of a Content-Type; empty when it is no multipart type, or has none that is legal.
std::string BoundaryOf(std::string_view content_type);

// Whether its parts take each other's place: a camera's frames.
bool IsMixedReplace(std::string_view content_type);

// The value of a parameter of a field such as Content-Disposition, unquoted; also in the form of
// RFC 5987 (name*=UTF-8''...), which goes before the plain one. Empty where there is none.
std::string FieldParameter(std::string_view value, std::string_view name);

// A file name that somebody else chose, for people to read: no directories, no control characters,
// at most 255 bytes of UTF-8, never "." or "..".
std::string SafeFileName(std::string_view name);

class MultipartEvents {
 public:
  virtual ~MultipartEvents() = default;
  // `position`: bytes of the body before the part's content.
  virtual void OnPart(const HttpFields& fields, uint64_t position) = 0;
  virtual void OnPartBytes(ByteView bytes) = 0;
  // `complete`: the delimiter behind it was seen.
  virtual void OnPartEnd(bool complete) = 0;
};

class MultipartSplitter {
 public:
  // Parts of one body, and bytes of one part's fields; what is beyond is not split.
  static constexpr size_t kMaxParts = 1000;
  static constexpr size_t kMaxFrames = 100'000;  // of multipart/x-mixed-replace
  static constexpr size_t kMaxFieldBytes = 64 << 10;

  // `events` outlives the splitter.
  MultipartSplitter(std::string boundary, MultipartEvents* events, bool frames = false);

  void Feed(ByteView bytes);
  void Gap(uint64_t length);
  void Finish();
  // Whether everything was split: the last delimiter was seen, or of frames, which go on until
  // somebody has seen enough, the last one's end; within the limits.
  bool complete() const { return (state_ == State::kEpilogue || ended_) && !limited_; }
  // What is odd about its delimiters, for people; empty: nothing.
  const char* anomaly() const { return anomaly_; }

 private:
  enum class State { kStart, kPreamble, kFields, kContent, kEpilogue };
  // What a delimiter's line is, judged by what follows the boundary.
  enum class Line { kUnsure, kNone, kDelimiter, kLast };

  bool Begin();
  bool Step();
  Line LineAt(size_t at, size_t* end) const;
  bool FindDelimiter(size_t* begin, size_t* end, Line* line, size_t* safe) const;
  void Emit(size_t count);
  void EndPart(bool complete);
  void StartPart(std::string_view fields);

  std::string delimiter_;  // "--boundary"
  const size_t max_parts_;
  const bool frames_;
  const char* anomaly_ = "";
  std::optional<uint64_t> part_left_;  // by its Content-Length
  MultipartEvents* const events_;
  State state_ = State::kStart;
  std::string buffer_;     // not yet given out
  uint64_t position_ = 0;  // of the buffer in the body
  size_t parts_ = 0;
  bool at_start_ = true;  // of the body, or behind a gap: a delimiter needs no line break
  bool in_part_ = false;
  bool limited_ = false;
  bool ended_ = false;
};

}  // namespace flowstitch

#endif  // FLOWSTITCH_SINKS_CONTENT_HTTP_MULTIPART_H_
