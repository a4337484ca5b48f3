// HPACK (RFC 7541) of one direction of an HTTP/2 connection, through libnghttp2, within budgets: a
// few bytes may stand for a table's megabyte, again and again.
#ifndef FLOWSTITCH_SINKS_CONTENT_HTTP_HPACK_READER_H_
#define FLOWSTITCH_SINKS_CONTENT_HTTP_HPACK_READER_H_

#include <cstdint>

#include "sinks/content/http/http_events.h"

struct nghttp2_hd_inflater;

namespace flowstitch {

class HpackReader {
 public:
  // Of one head, decoded.
  static constexpr size_t kMaxDecodedHeadBytes = 1 << 20;
  // Of all heads of a direction, decoded: so much in any case, beyond it so many times what they
  // take coded.
  static constexpr uint64_t kFreeHeadBytes = uint64_t{16} << 20;
  static constexpr uint64_t kMaxHeadRatio = 64;
  // Of the table; a peer's own limit is taken as at most this.
  static constexpr size_t kMaxTableBytes = 1 << 20;

  HpackReader();
  ~HpackReader();
  HpackReader(const HpackReader&) = delete;
  HpackReader& operator=(const HpackReader&) = delete;

  // Every block has to go through, wanted or not: the table lives on. Null when it did, or why not;
  // then nothing may follow.
  const char* Read(ByteView block, HttpFields* fields);

 private:
  nghttp2_hd_inflater* inflater_ = nullptr;
  uint64_t coded_bytes_ = 0;  // of all heads so far
  uint64_t decoded_bytes_ = 0;
};

}  // namespace flowstitch

#endif  // FLOWSTITCH_SINKS_CONTENT_HTTP_HPACK_READER_H_
