// What TLS cipher suites consist of, by IANA's numbers, with what OpenSSL has for them: its default
// provider, and its legacy one for RC4, SEED and DES. IDEA is in neither as Debian builds it.
#ifndef FLOWSTITCH_SINKS_CONTENT_TLS_CIPHER_SUITES_H_
#define FLOWSTITCH_SINKS_CONTENT_TLS_CIPHER_SUITES_H_

#include <cstddef>
#include <cstdint>
#include <string>

struct evp_cipher_st;
struct evp_md_st;

namespace flowstitch {

struct CipherSuite {
  enum class Mode { kNone, kGcm, kCcm, kChaCha20, kCbc, kStream };
  Mode mode = Mode::kNone;                // kNone: not decrypted here
  const evp_cipher_st* cipher = nullptr;  // null: what it protects is not encrypted
  const evp_md_st* mac = nullptr;         // of CBC and streams
  const evp_md_st* hash = nullptr;        // of the key derivation, from TLS 1.2 on
  size_t key_bytes = 0;
  size_t mac_bytes = 0;
  size_t block_bytes = 0;  // of CBC
  size_t tag_bytes = 16;   // of GCM, CCM and ChaCha20
};

// Before a process gives up its rights: the legacy provider is a file.
void LoadTlsCiphers();

CipherSuite FindCipherSuite(uint16_t number);
// IANA's name; empty when it is not known.
std::string CipherSuiteName(uint16_t number);

}  // namespace flowstitch

#endif  // FLOWSTITCH_SINKS_CONTENT_TLS_CIPHER_SUITES_H_
