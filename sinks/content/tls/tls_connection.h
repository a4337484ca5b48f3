// A TLS connection that is read with its logged secrets or its server's private key: records, the
// handshake as far as it is needed, TLS 1.0 to 1.3 with resumption, renegotiation, 0-RTT and key
// updates. Records wait for secrets that come later.
//
// tls_connection.cc cuts records, tls_connection_records.cc takes them apart,
// tls_connection_master.cc finds the master secret.
#ifndef FLOWSTITCH_SINKS_CONTENT_TLS_TLS_CONNECTION_H_
#define FLOWSTITCH_SINKS_CONTENT_TLS_TLS_CONNECTION_H_

#include <deque>
#include <memory>
#include <optional>
#include <string>

#include "base/bytes.h"
#include "base/capture_time.h"
#include "base/direction.h"
#include "sinks/content/tls/record_cipher.h"
#include "sinks/content/tls/tls_facts.h"
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
  // One handshake message.
  static constexpr size_t kMaxMessageBytes = 256 << 10;

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
  // Record types (RFC 8446, 5.1).
  static constexpr uint8_t kChangeCipherSpec = 20;
  static constexpr uint8_t kHandshakeRecord = 22;
  static constexpr uint8_t kApplicationData = 23;
  static constexpr uint8_t kHeartbeat = 24;

  enum class Phase {
    kClear,        // hellos, and what comes before protection
    kHandshake,    // TLS 1.3, handshake keys
    kApplication,  // TLS 1.3, application keys; TLS 1.2, protected
  };
  enum class Taken { kYes, kWaits, kStops };
  struct Lost {
    uint64_t begin;
    uint64_t end;
  };
  struct Side {
    std::string buffer;     // records, and what of one is there
    size_t start = 0;       // of what is not taken yet
    uint64_t position = 0;  // of buffer[start] in the stream
    std::deque<Lost> lost;  // what the buffer has zeros for
    TimeNs time_ns = 0;
    bool stopped = false;
    bool ends_here = false;  // what follows the buffer cannot be read
    size_t counted_waiting = 0;
    std::string why;
    Phase phase = Phase::kClear;
    std::unique_ptr<RecordCipher> cipher;
    std::string secret;    // TLS 1.3: of the cipher
    std::string messages;  // of the handshake, not yet complete
    // The handshake's messages up to the client's key exchange, or the server's done.
    std::string transcript;
    bool transcript_done = false;
    uint64_t plain_offset = 0;
    bool guessing = false;  // TLS 1.3: where the handshake ends is not known
  };

  void Process(Direction direction);
  void ProcessBoth(Direction direction);
  Taken TakeRecord(Direction direction, uint8_t type, uint16_t version, ByteView body);
  Taken TakeClear(Direction direction, uint8_t type, ByteView body);
  Taken TakeTls12(Direction direction, uint8_t type, uint16_t version, ByteView body);
  Taken TakeTls13(Direction direction, uint8_t type, uint16_t version, ByteView body);
  bool TryEarly(ByteView body, uint16_t version, std::string* plain);
  void NoteTranscript(Direction direction, uint8_t type, ByteView message);
  void TakeTicket(ByteView body);
  std::string Master();
  std::string PreMaster();
  void NoteLost(Direction direction, uint8_t type, size_t length);
  Taken SkipLost(Direction direction, uint8_t type, size_t length);
  void TakeContent(Direction direction, uint8_t type, ByteView content);
  void TakeMessages(Direction direction, ByteView content);
  void OnMessage(Direction direction, uint8_t type, ByteView body);
  bool StartPhase(Direction direction, Phase phase);
  bool StartTls12(Direction direction);
  void Stop(Direction direction, std::string why);
  void CountWaiting(Side* side, size_t bytes);
  bool LookUp();
  bool tls13() const { return server_ && server_->version == kTls13Version; }

  TlsKeys* const keys_;
  TlsFacts* const facts_;
  TlsEvents* const events_;
  Side sides_[2];
  Direction client_direction_ = kClientToServer;
  std::optional<ClientHello> client_;
  std::optional<ServerHello> server_;
  uint64_t client_hellos_ = 0;
  uint64_t server_hellos_ = 0;
  CipherSuite suite_;
  std::optional<TlsSecrets> secrets_;
  std::string master_;                      // found by other means than the log's own line
  std::string key_exchange_;                // the client's
  std::string ticket_;                      // of this session
  uint64_t tried_generation_ = UINT64_MAX;  // of the log
  uint64_t tried_sessions_ = UINT64_MAX;    // of the sessions
  uint64_t seen_generation_ = 0;
  std::optional<bool> early_accepted_;
  std::unique_ptr<RecordCipher> early_;
  bool retried_ = false;  // the server asked for another hello
  bool closing_ = false;
};

}  // namespace flowstitch

#endif  // FLOWSTITCH_SINKS_CONTENT_TLS_TLS_CONNECTION_H_
