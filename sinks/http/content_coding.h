// Content codings of HTTP bodies (RFC 9110, 8.4.1): gzip of any number of members, deflate with and
// without zlib's header, br, zstd, and several of them one over the other. Bounded in output.
#ifndef FLOWSTITCH_SINKS_HTTP_CONTENT_CODING_H_
#define FLOWSTITCH_SINKS_HTTP_CONTENT_CODING_H_

#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "base/bytes.h"

namespace flowstitch {

// Decoded bytes of one body, and layers of coding. Beyond, the body is kept as it came.
inline constexpr uint64_t kMaxDecodedBytes = uint64_t{1} << 30;
inline constexpr int kMaxCodingLayers = 4;

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
// error where it names one that is not known here.
absl::Status MakeContentDecoder(std::string_view content_encoding,
                                std::unique_ptr<ContentDecoder>* decoder);

}  // namespace flowstitch

#endif  // FLOWSTITCH_SINKS_HTTP_CONTENT_CODING_H_
