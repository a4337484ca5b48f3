// Reads fields one after the other from bytes that may end anywhere. After a read beyond the end
// everything is 0 and empty, and ok() tells.
#ifndef FLOWSTITCH_SINKS_CONTENT_TLS_BYTE_READER_H_
#define FLOWSTITCH_SINKS_CONTENT_TLS_BYTE_READER_H_

#include "base/bytes.h"

namespace flowstitch {

class ByteReader {
 public:
  explicit ByteReader(ByteView bytes) : rest_(bytes) {}

  bool ok() const { return ok_; }
  bool empty() const { return rest_.empty(); }

  // A big-endian number of so many bytes, up to 4.
  uint32_t Number(size_t size) {
    uint32_t value = 0;
    for (const uint8_t byte : Bytes(size)) value = value << 8 | byte;
    return value;
  }
  ByteView Bytes(size_t size) {
    ok_ = ok_ && size <= rest_.size();
    if (!ok_) {
      rest_ = {};
      return {};
    }
    const ByteView bytes = rest_.first(size);
    rest_ = rest_.subspan(size);
    return bytes;
  }
  // Bytes whose length stands before them.
  ByteReader Vector(size_t size_of_length) {
    const ByteView bytes = Bytes(Number(size_of_length));
    ByteReader inner(bytes);
    inner.ok_ = ok_;
    return inner;
  }
  ByteView rest() const { return rest_; }

 private:
  ByteView rest_;
  bool ok_ = true;
};

}  // namespace flowstitch

#endif  // FLOWSTITCH_SINKS_CONTENT_TLS_BYTE_READER_H_
