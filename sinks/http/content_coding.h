// Content codings of HTTP bodies (RFC 9110, 8.4.1): gzip of any number of members, deflate with and
// without zlib's header, br, zstd, and several of them one over the other. Bounded in output, in
// work, and in memory.
#ifndef FLOWSTITCH_SINKS_HTTP_CONTENT_CODING_H_
#define FLOWSTITCH_SINKS_HTTP_CONTENT_CODING_H_

#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "base/bytes.h"

namespace flowstitch {

// What one body may cost; beyond, it is kept as it came, with the reason. The time of a body is
// bounded by these too: all work is proportional to its bytes and to what its layers put out.
struct DecodeLimits {
  // Bytes that all layers of a body put out.
  uint64_t max_bytes = uint64_t{1} << 30;
  // Bytes put out for one that came in, counted from `ratio_from_bytes` of output on.
  uint32_t max_ratio = 250;
  uint64_t ratio_from_bytes = uint64_t{16} << 20;
  // Codings one over the other.
  int max_layers = 4;
};

// What a body has cost so far; shared by its layers.
class DecodeBudget {
 public:
  explicit DecodeBudget(const DecodeLimits& limits) : limits_(limits) {}
  void NoteInput(size_t bytes) { in_ += bytes; }
  // An error when the limits are reached.
  absl::Status Take(size_t bytes);

 private:
  const DecodeLimits limits_;
  uint64_t in_ = 0;
  uint64_t out_ = 0;
};

class ContentDecoder {
 public:
  using Out = std::function<absl::Status(ByteView)>;
  virtual ~ContentDecoder() = default;
  // Decodes `in`, giving the result to `out` piece by piece. An error means that the body does not
  // decode.
  virtual absl::Status Feed(ByteView in, const Out& out) = 0;
  // Whether the coding's own end was reached.
  virtual bool finished() const = 0;
};

// A decoder for the value of a Content-Encoding header. Null where the header names no coding; an
// error where it names one that is not known here, or too many.
absl::Status MakeContentDecoder(std::string_view content_encoding, const DecodeLimits& limits,
                                std::unique_ptr<ContentDecoder>* decoder);

}  // namespace flowstitch

#endif  // FLOWSTITCH_SINKS_HTTP_CONTENT_CODING_H_
