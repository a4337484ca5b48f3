// Takes the protection off TLS records: TLS 1.2 (RFC 5246; AES-GCM RFC 5288, ChaCha20-Poly1305 RFC
// 7905, AES-CBC with and without RFC 7366) and TLS 1.3 (RFC 8446, 5.2), through OpenSSL. A record
// is only taken for decrypted when its authentication holds.
#ifndef FLOWSTITCH_SINKS_TLS_RECORD_CIPHER_H_
#define FLOWSTITCH_SINKS_TLS_RECORD_CIPHER_H_

#include <memory>
#include <string>

#include "base/bytes.h"
#include "sinks/tls/handshake_messages.h"

struct evp_cipher_ctx_st;
struct evp_cipher_st;
struct evp_md_st;

namespace flowstitch {

// What a cipher suite consists of.
struct CipherSuite {
  enum class Mode { kNone, kGcm, kChaCha20, kCbc };
  Mode mode = Mode::kNone;  // kNone: not decrypted here
  const evp_cipher_st* cipher = nullptr;
  const evp_md_st* mac = nullptr;   // of CBC
  const evp_md_st* hash = nullptr;  // of the key derivation
  size_t key_bytes = 0;
  size_t mac_bytes = 0;
};
CipherSuite FindCipherSuite(uint16_t suite);

// The secret that follows a KeyUpdate (RFC 8446, 7.2).
std::string NextTrafficSecret(const CipherSuite& suite, const std::string& secret);

class RecordCipher {
 public:
  // TLS 1.3: from a traffic secret. Null when the secret does not fit the suite.
  static std::unique_ptr<RecordCipher> FromTrafficSecret(const CipherSuite& suite,
                                                         const std::string& secret);
  // TLS 1.2: of one direction, from the master secret.
  static std::unique_ptr<RecordCipher> FromMasterSecret(const CipherSuite& suite,
                                                        const std::string& master,
                                                        const TlsRandom& client,
                                                        const TlsRandom& server, bool of_client,
                                                        bool encrypt_then_mac);
  ~RecordCipher();
  RecordCipher(const RecordCipher&) = delete;
  RecordCipher& operator=(const RecordCipher&) = delete;

  // The content of the next record. False when it does not authenticate; then the same record may
  // be tried with another cipher, and this one still expects the same number.
  bool Decrypt(uint8_t type, uint16_t version, ByteView fragment, std::string* plain);
  // The next record is not there.
  void SkipRecord() { ++sequence_; }
  // Bytes that a record has beyond its content; of CBC at the most.
  size_t overhead() const;
  uint64_t sequence() const { return sequence_; }

 private:
  RecordCipher(const CipherSuite& suite, bool tls13);
  bool Start(const std::string& key);
  bool DecryptAead(uint8_t type, uint16_t version, ByteView fragment, std::string* plain);
  bool DecryptCbc(uint8_t type, uint16_t version, ByteView fragment, std::string* plain);
  std::string Mac(uint8_t type, uint16_t version, ByteView iv, ByteView content) const;

  const CipherSuite suite_;
  const bool tls13_;
  bool encrypt_then_mac_ = false;
  std::string iv_;       // fixed part
  std::string mac_key_;  // of CBC
  evp_cipher_ctx_st* context_ = nullptr;
  uint64_t sequence_ = 0;
};

}  // namespace flowstitch

#endif  // FLOWSTITCH_SINKS_TLS_RECORD_CIPHER_H_
