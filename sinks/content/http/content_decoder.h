// Decoders of one coding each.
#ifndef FLOWSTITCH_SINKS_CONTENT_HTTP_CONTENT_DECODER_H_
#define FLOWSTITCH_SINKS_CONTENT_HTTP_CONTENT_DECODER_H_

#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "base/bytes.h"
#include "sinks/content/http/decode_budget.h"

namespace flowstitch {

class ContentDecoder {
 public:
  using Out = std::function<absl::Status(ByteView)>;
  virtual ~ContentDecoder() = default;
  // Decodes `in`, giving the result to `out` piece by piece. An error means that the body does not
  // decode.
  virtual absl::Status Feed(ByteView in, const Out& out) = 0;
  // The body has ended: what was kept back.
  virtual absl::Status Finish(const Out& /*out*/) { return absl::OkStatus(); }
  // Whether the coding's own end was reached.
  virtual bool finished() const = 0;
  // What is wrong with the coding though it decodes, for people; empty: nothing.
  virtual std::string anomaly() const { return ""; }
};

// `declared`: "gzip" or "deflate"; the first bytes say whether it is gzip's (RFC 1952), zlib's
// (RFC 1950) or bare deflate (RFC 1951).
std::unique_ptr<ContentDecoder> MakeDeflateDecoder(std::string_view declared, DecodeBudget* budget);
// RFC 7932.
std::unique_ptr<ContentDecoder> MakeBrotliDecoder(DecodeBudget* budget);
// RFC 8878.
std::unique_ptr<ContentDecoder> MakeZstdDecoder(DecodeBudget* budget);
// LZMA's old form, and xz.
std::unique_ptr<ContentDecoder> MakeLzmaDecoder(std::string_view declared, DecodeBudget* budget);

// A decoder's pieces are not larger.
inline constexpr size_t kDecodedPieceBytes = 64 << 10;

// `broken`: something of it was decoded before.
absl::Status NotCoded(std::string_view coding, bool broken);

}  // namespace flowstitch

#endif  // FLOWSTITCH_SINKS_CONTENT_HTTP_CONTENT_DECODER_H_
