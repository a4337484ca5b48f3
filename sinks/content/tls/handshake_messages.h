// The messages of a TLS handshake, without their 4-byte headers: what they say for people, and what
// is needed to read the records behind them. RFC 8446 (TLS 1.3), RFC 5246 (1.2), RFC 6066 (server
// name), RFC 7301 (ALPN), RFC 7366 (encrypt-then-MAC).
#ifndef FLOWSTITCH_SINKS_CONTENT_TLS_HANDSHAKE_MESSAGES_H_
#define FLOWSTITCH_SINKS_CONTENT_TLS_HANDSHAKE_MESSAGES_H_

#include <array>
#include <string>

#include "base/bytes.h"
#include "sinks/content/tls/tls_facts.h"

namespace flowstitch {

enum HandshakeType : uint8_t {
  kClientHello = 1,
  kServerHello = 2,
  kNewSessionTicket = 4,
  kEndOfEarlyData = 5,
  kEncryptedExtensions = 8,
  kCertificate = 11,
  kServerHelloDone = 14,
  kClientKeyExchange = 16,
  kFinished = 20,
  kKeyUpdate = 24,
};

inline constexpr uint16_t kSsl3Version = 0x0300;
inline constexpr uint16_t kTls10Version = 0x0301;
inline constexpr uint16_t kTls12Version = 0x0303;
inline constexpr uint16_t kTls13Version = 0x0304;

using TlsRandom = std::array<uint8_t, 32>;

struct ClientHello {
  TlsRandom random = {};
  uint16_t version = 0;  // the one in its head: up to TLS 1.2
  bool early_data = false;
  std::string session_id;  // of an earlier session, that it would go on with
  std::string ticket;      // likewise (RFC 5077)
};

struct ServerHello {
  TlsRandom random = {};
  uint16_t version = 0;
  uint16_t cipher = 0;
  uint8_t compression = 0;
  bool retry = false;  // it asks for another ClientHello
  bool encrypt_then_mac = false;
  bool extended_master_secret = false;  // RFC 7627
  std::string session_id;
};

// Beyond, no TLS begins that was not asked for before (STARTTLS and its like).
inline constexpr uint64_t kLatestHelloOffset = 8 << 10;

// Whether a record that holds the beginning of a hello begins there: no other protocol does so by
// accident.
bool BeginsHello(ByteView bytes);

// Certificates and protocols of one handshake that are noted.
inline constexpr size_t kMaxCertificates = 16;
inline constexpr size_t kMaxProtocols = 32;

// False for a message that is cut; `facts` then has what was before the cut.
bool ReadClientHello(ByteView message, ClientHello* hello, TlsFacts* facts);
bool ReadServerHello(ByteView message, ServerHello* hello, TlsFacts* facts);
// Also in the form of TLS 1.3.
void ReadCertificates(ByteView message, bool tls13, TlsFacts* facts);
// TLS 1.3. Whether the server takes early data.
bool ReadEncryptedExtensions(ByteView message, TlsFacts* facts);

}  // namespace flowstitch

#endif  // FLOWSTITCH_SINKS_CONTENT_TLS_HANDSHAKE_MESSAGES_H_
