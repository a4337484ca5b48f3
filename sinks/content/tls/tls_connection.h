// A TLS connection that is read with its logged secrets or its server's private key: records, the
// handshake as far as it is needed, TLS 1.0 to 1.3 with resumption, renegotiation, 0-RTT and key
// updates. Records wait for secrets that come later.
// Cut by record_buffer.h, with keys that connection_secrets.h finds and tls_handshake.h agrees on.
#ifndef FLOWSTITCH_SINKS_CONTENT_TLS_TLS_CONNECTION_H_
#define FLOWSTITCH_SINKS_CONTENT_TLS_TLS_CONNECTION_H_

#include <memory>
#include <string>

#include "base/bytes.h"
#include "base/capture_time.h"
#include "base/direction.h"
#include "sinks/content/tls/connection_secrets.h"
#include "sinks/content/tls/message_buffer.h"
#include "sinks/content/tls/record_buffer.h"
#include "sinks/content/tls/record_cipher.h"
#include "sinks/content/tls/tls_facts.h"
#include "sinks/content/tls/tls_handshake.h"
#include "sinks/content/tls/tls_keys.h"

namespace flowstitch {

class TlsEvents {
 public:
  virtual ~TlsEvents() = default;
  // Decrypted bytes of the application, in order; `offset` counts them.
  virtual void OnPlain(Direction direction, uint64_t offset, ByteView bytes, TimeNs time_ns) = 0;
  // A record is missing that had about so many.
  virtual void OnPlainGap(Direction direction, uint64_t length) = 0;
};

class TlsConnection {
 public:
  // Records of one direction that wait for keys.
  static constexpr size_t kMaxWaitingBytes = size_t{16} << 20;
  // Whether a direction that begins so can be TLS.
  static bool MayBegin(ByteView bytes) {
    return !bytes.empty() && bytes[0] == 22 && (bytes.size() < 2 || bytes[1] == 3);
  }

  // Whether a flow's TLS may begin with a segment there: at once, or behind a dialogue that asked
  // for it.
  static bool BeginsAt(uint64_t offset, ByteView bytes) {
    return offset == 0 ? MayBegin(bytes) : offset < kLatestHelloOffset && BeginsHello(bytes);
  }

  // `keys`, `facts` and `events` outlive the connection.
  TlsConnection(TlsKeys* keys, TlsFacts* facts, TlsEvents* events);
  ~TlsConnection();
  TlsConnection(const TlsConnection&) = delete;
  TlsConnection& operator=(const TlsConnection&) = delete;

  void Bytes(Direction direction, ByteView bytes, TimeNs time_ns);
  void Gap(Direction direction, uint64_t length);
  // Nothing more comes: what waits is tried once more.
  void Close();

  // What it holds, about.
  size_t memory_bytes() const;
  // Why not everything of a direction was decrypted; empty when it was.
  std::string why_not(Direction direction) const { return sides_[direction].why; }

 private:
  enum class Phase {
    kClear,        // hellos, and what comes before protection
    kHandshake,    // TLS 1.3, handshake keys
    kApplication,  // TLS 1.3, application keys; TLS 1.2, protected
  };
  enum class Taken { kYes, kWaits, kStops };
  struct Side {
    RecordBuffer records;
    TimeNs time_ns = 0;
    bool stopped = false;
    bool ends_here = false;  // what follows the buffer cannot be read
    size_t counted_waiting = 0;
    std::string why;
    Phase phase = Phase::kClear;
    std::unique_ptr<RecordCipher> cipher;
    std::string secret;  // TLS 1.3: of the cipher
    MessageBuffer messages;
    uint64_t plain_offset = 0;
    bool guessing = false;  // TLS 1.3: where the handshake ends is not known
  };

  void Process(Direction direction);
  void ProcessBoth(Direction direction);
  Taken TakeRecord(Direction direction, const TlsRecord& record);
  Taken TakeClear(Direction direction, const TlsRecord& record);
  Taken TakeTls12(Direction direction, const TlsRecord& record);
  Taken TakeTls13(Direction direction, const TlsRecord& record);
  Taken TakeUndecrypted(Direction direction, const TlsRecord& record, std::string* plain);
  Taken TakeEarly(Direction direction, const TlsRecord& record, std::string* plain);
  Taken SkipLost(Direction direction, const TlsRecord& record);
  void NoteLost(Direction direction, uint8_t type, size_t length);
  Taken TakeContent(Direction direction, uint8_t type, ByteView content);
  bool Follow(Direction direction, TlsHandshake::Effect effect);
  bool StartPhase(Direction direction, Phase phase);
  bool StartTls12(Direction direction);
  // A side's cipher is not there: it is stopped, or waits for its secret.
  Taken WithoutCipher(Direction direction) const {
    return sides_[direction].stopped ? Taken::kStops : Taken::kWaits;
  }
  Taken Stop(Direction direction, std::string why);
  void CountWaiting(Side* side, size_t bytes);

  TlsKeys* const keys_;
  TlsEvents* const events_;
  ConnectionSecrets secrets_;
  TlsHandshake handshake_;
  Side sides_[2];
  std::unique_ptr<RecordCipher> early_;
  bool closing_ = false;
};

}  // namespace flowstitch

#endif  // FLOWSTITCH_SINKS_CONTENT_TLS_TLS_CONNECTION_H_
