// Takes the protection off TLS records, through OpenSSL: TLS 1.0 and 1.1 (RFC 2246, RFC 4346), TLS
// 1.2 (RFC 5246; GCM RFC 5288, CCM RFC 6655, ChaCha20-Poly1305 RFC 7905, CBC with and without RFC
// 7366, streams) and TLS 1.3 (RFC 8446, 5.2). A record is only taken for decrypted when its
// authentication holds.
#ifndef FLOWSTITCH_SINKS_CONTENT_TLS_RECORD_CIPHER_H_
#define FLOWSTITCH_SINKS_CONTENT_TLS_RECORD_CIPHER_H_

#include <memory>
#include <string>

#include "base/bytes.h"
#include "sinks/content/tls/cipher_suites.h"
#include "sinks/content/tls/handshake_messages.h"

struct evp_cipher_ctx_st;

namespace flowstitch {

// The secret that follows a KeyUpdate (RFC 8446, 7.2).
std::string NextTrafficSecret(const CipherSuite& suite, const std::string& secret);

class RecordCipher {
 public:
  // TLS 1.3: from a traffic secret. Null when the secret does not fit the suite.
  static std::unique_ptr<RecordCipher> FromTrafficSecret(const CipherSuite& suite,
                                                         const std::string& secret);
  // TLS 1.0 to 1.2: of one direction, from the master secret.
  static std::unique_ptr<RecordCipher> FromMasterSecret(const CipherSuite& suite,
                                                        const std::string& master,
                                                        const ClientHello& client,
                                                        const ServerHello& server, bool of_client);
  ~RecordCipher();
  RecordCipher(const RecordCipher&) = delete;
  RecordCipher& operator=(const RecordCipher&) = delete;

  // The content of the next record. False when it does not authenticate; then the same record may
  // be tried with another cipher, and this one still expects the same number.
  bool Decrypt(uint8_t type, uint16_t version, ByteView fragment, std::string* plain);
  // The next record is not there: so many bytes, without its header.
  void SkipRecord(size_t fragment_bytes);
  // Whether the next record can be decrypted: TLS 1.0 needs the one before for it.
  bool knows_next() const { return knows_iv_; }
  // Passes over a record that cannot, so that the next one can.
  void PassOver(ByteView fragment);
  // Bytes that a record has beyond its content; of CBC at the most.
  size_t overhead() const;
  uint64_t sequence() const { return sequence_; }

 private:
  RecordCipher(const CipherSuite& suite, uint16_t version);
  bool tls13() const { return version_ >= kTls13Version; }
  // TLS 1.0: the last block of a record is the next one's IV.
  bool chains() const {
    return suite_.mode == CipherSuite::Mode::kCbc && version_ == kTls10Version;
  }
  bool Start(const std::string& key);
  bool DecryptAead(uint8_t type, uint16_t version, ByteView fragment, std::string* plain);
  bool DecryptStream(uint8_t type, uint16_t version, ByteView fragment, std::string* plain);
  bool DecryptCbc(uint8_t type, uint16_t version, ByteView fragment, std::string* plain);
  std::string Mac(uint8_t type, uint16_t version, ByteView iv, ByteView content) const;

  const CipherSuite suite_;
  const uint16_t version_;
  bool encrypt_then_mac_ = false;
  std::string key_;  // of CCM
  std::string iv_;   // fixed part; of TLS 1.0, the next record's
  bool knows_iv_ = true;
  std::string mac_key_;  // of CBC and streams
  evp_cipher_ctx_st* context_ = nullptr;
  uint64_t sequence_ = 0;
};

}  // namespace flowstitch

#endif  // FLOWSTITCH_SINKS_CONTENT_TLS_RECORD_CIPHER_H_
