// The handshake messages of one direction of a TLS connection, from its bytes in order. It stops at
// the first thing that is not a handshake in the clear.
#ifndef FLOWSTITCH_SINKS_CONTENT_TLS_HANDSHAKE_PARSER_H_
#define FLOWSTITCH_SINKS_CONTENT_TLS_HANDSHAKE_PARSER_H_

#include "base/bytes.h"
#include "sinks/content/tls/tls_facts.h"

namespace flowstitch {

class HandshakeParser {
 public:
  // Takes the next bytes of the stream; what they say goes into `facts`.
  void Feed(ByteView bytes, TlsFacts* facts);
  void Stop() {
    done_ = true;
    records_ = {};
    messages_ = {};
  }
  bool done() const { return done_; }

  // Bytes of one direction's handshake that are looked at.
  static constexpr size_t kMaxBytes = 256 << 10;

 private:
  bool TakeRecord();
  bool TakeMessage(TlsFacts* facts);

  std::string records_;   // not yet a whole record
  std::string messages_;  // the records' content, not yet a whole message
  size_t seen_ = 0;
  bool done_ = false;
};

}  // namespace flowstitch

#endif  // FLOWSTITCH_SINKS_CONTENT_TLS_HANDSHAKE_PARSER_H_
