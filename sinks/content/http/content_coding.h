// Content codings of HTTP bodies (RFC 9110, 8.4.1): gzip of any number of members, deflate with and
// without zlib's header, br, zstd, lzma and xz, and several of them one over the other. Bounded in
// output, in work, and in memory. What browsers forgive in the declaration is forgiven here, and
// named.
#ifndef FLOWSTITCH_SINKS_CONTENT_HTTP_CONTENT_CODING_H_
#define FLOWSTITCH_SINKS_CONTENT_HTTP_CONTENT_CODING_H_

#include "sinks/content/http/content_decoder.h"

namespace flowstitch {

// A decoder for the value of a Content-Encoding header. Null where the header names no coding; an
// error where it names one that is not known here, or too many.
absl::Status MakeContentDecoder(std::string_view content_encoding, const DecodeLimits& limits,
                                std::unique_ptr<ContentDecoder>* decoder,
                                const DecodeShare& share = {});

}  // namespace flowstitch

#endif  // FLOWSTITCH_SINKS_CONTENT_HTTP_CONTENT_CODING_H_
