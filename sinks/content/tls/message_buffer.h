// Messages of a TLS handshake (RFC 8446, 4), cut out of the records that they come in.
#ifndef FLOWSTITCH_SINKS_CONTENT_TLS_MESSAGE_BUFFER_H_
#define FLOWSTITCH_SINKS_CONTENT_TLS_MESSAGE_BUFFER_H_

#include <string>

#include "base/bytes.h"

namespace flowstitch {

struct TlsMessage {
  uint8_t type = 0;
  ByteView body;
  ByteView whole;  // with its header
};

class MessageBuffer {
 public:
  static constexpr size_t kMaxMessageBytes = 256 << 10;

  // Gives each message that is complete to `take(message)`, which returns false to get no more:
  // then the rest is dropped. False when one is too large.
  template <typename Take>
  bool Feed(ByteView content, const Take& take) {
    bytes_.append(AsText(content));
    // What is taken may clear the buffer.
    std::string bytes = std::move(bytes_);
    bytes_.clear();
    size_t at = 0;
    while (bytes.size() - at >= kHeaderBytes) {
      const ByteView rest = AsBytes(bytes).subspan(at);
      const size_t length = static_cast<size_t>(rest[1]) << 16 | LoadBe16(rest.data() + 2);
      if (length > kMaxMessageBytes) return false;
      if (rest.size() < kHeaderBytes + length) break;
      at += kHeaderBytes + length;
      if (!take(TlsMessage{rest[0], rest.subspan(kHeaderBytes, length),
                           rest.first(kHeaderBytes + length)})) {
        return true;
      }
    }
    bytes.erase(0, at);
    bytes_ = std::move(bytes);
    return true;
  }
  void Clear() { bytes_.clear(); }
  size_t memory_bytes() const { return bytes_.capacity(); }

 private:
  static constexpr size_t kHeaderBytes = 4;
  std::string bytes_;  // of a message that is not complete
};

}  // namespace flowstitch

#endif  // FLOWSTITCH_SINKS_CONTENT_TLS_MESSAGE_BUFFER_H_
