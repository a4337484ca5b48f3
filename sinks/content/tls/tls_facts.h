// What the handshake of a TLS connection says in the clear: RFC 8446 (TLS 1.3), RFC 5246 (1.2), RFC
// 6066 (server name), RFC 7301 (ALPN). Where
// records are decrypted, also what TLS 1.3 hides.
#ifndef FLOWSTITCH_SINKS_CONTENT_TLS_TLS_FACTS_H_
#define FLOWSTITCH_SINKS_CONTENT_TLS_TLS_FACTS_H_

#include <cstdint>
#include <string>
#include <vector>

namespace flowstitch {

struct TlsCertificate {
  std::string subject;  // RFC 2253
  std::string issuer;
  std::string not_before;  // "2026-11-23T00:00:00Z"
  std::string not_after;
  std::string sha256;  // of the certificate, in hex
};

struct TlsFacts {
  bool client_hello = false;
  bool server_hello = false;
  std::string server_name;                   // what the client asked for
  std::vector<std::string> alpn_offered;     // by the client
  std::string alpn;                          // the server's choice; TLS 1.3 hides it
  uint16_t offered_version = 0;              // the client's highest: 0x0304 is TLS 1.3
  uint16_t version = 0;                      // the server's choice
  uint16_t cipher = 0;                       // the server's choice, IANA's number
  std::string cipher_name;                   // IANA's name; empty when it is not known
  std::vector<TlsCertificate> certificates;  // the server's, its own first; TLS 1.3 hides them
  bool any() const { return client_hello || server_hello; }
};

// "TLS 1.3", "SSL 3.0", or the number.
std::string TlsVersionName(uint16_t version);
// IANA's name of the cipher, or its number.
std::string TlsCipherText(const TlsFacts& facts);

}  // namespace flowstitch

#endif  // FLOWSTITCH_SINKS_CONTENT_TLS_TLS_FACTS_H_
