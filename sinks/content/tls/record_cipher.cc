#include "sinks/content/tls/record_cipher.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>

#include <algorithm>

#include "sinks/content/tls/key_derivation.h"

namespace flowstitch {
namespace {

constexpr size_t kNonceBytes = 12;
constexpr size_t kFixedIvBytes = 4;     // of GCM in TLS 1.2
constexpr size_t kExplicitIvBytes = 8;  // likewise

uint8_t* Bytes(std::string* text) { return reinterpret_cast<uint8_t*>(text->data()); }
const uint8_t* Bytes(const std::string& text) {
  return reinterpret_cast<const uint8_t*>(text.data());
}

void AppendNumber(uint64_t number, size_t size, std::string* out) {
  for (size_t i = size; i-- > 0;) *out += static_cast<char>(number >> (8 * i));
}

}  // namespace

std::string NextTrafficSecret(const CipherSuite& suite, const std::string& secret) {
  return ExpandLabel(suite.hash, secret, "traffic upd", secret.size());
}

RecordCipher::RecordCipher(const CipherSuite& suite, uint16_t version)
    : suite_(suite), version_(version), context_(EVP_CIPHER_CTX_new()) {}

RecordCipher::~RecordCipher() {
  EVP_CIPHER_CTX_free(context_);
  OPENSSL_cleanse(mac_key_.data(), mac_key_.size());
  OPENSSL_cleanse(key_.data(), key_.size());
}

bool RecordCipher::Start(const std::string& key) {
  if (suite_.cipher == nullptr) return true;
  if (context_ == nullptr || key.size() != suite_.key_bytes) return false;
  if (suite_.mode == CipherSuite::Mode::kCcm) {  // it is set up for each record
    key_ = key;
    return true;
  }
  return EVP_DecryptInit_ex(context_, suite_.cipher, nullptr, Bytes(key), nullptr) == 1 &&
         EVP_CIPHER_CTX_set_padding(context_, 0) == 1;
}

std::unique_ptr<RecordCipher> RecordCipher::FromTrafficSecret(const CipherSuite& suite,
                                                              const std::string& secret) {
  const bool fits = suite.mode == CipherSuite::Mode::kGcm ||
                    suite.mode == CipherSuite::Mode::kCcm ||
                    suite.mode == CipherSuite::Mode::kChaCha20;
  if (!fits || secret.size() != static_cast<size_t>(EVP_MD_get_size(suite.hash))) return nullptr;
  auto cipher = std::unique_ptr<RecordCipher>(new RecordCipher(suite, kTls13Version));
  cipher->iv_ = ExpandLabel(suite.hash, secret, "iv", kNonceBytes);
  const std::string key = ExpandLabel(suite.hash, secret, "key", suite.key_bytes);
  if (cipher->iv_.size() != kNonceBytes || !cipher->Start(key)) return nullptr;
  return cipher;
}

std::unique_ptr<RecordCipher> RecordCipher::FromMasterSecret(const CipherSuite& suite,
                                                             const std::string& master,
                                                             const ClientHello& client,
                                                             const ServerHello& server,
                                                             bool of_client) {
  using Mode = CipherSuite::Mode;
  if (suite.mode == Mode::kNone) return nullptr;
  auto cipher = std::unique_ptr<RecordCipher>(new RecordCipher(suite, server.version));
  const bool aead = suite.mode == Mode::kGcm || suite.mode == Mode::kCcm;
  const size_t iv_bytes = aead                            ? kFixedIvBytes
                          : suite.mode == Mode::kChaCha20 ? kNonceBytes
                          : cipher->chains()              ? suite.block_bytes
                                                          : 0;
  // RFC 5246, 6.3: client's and server's MAC keys, keys, IVs.
  const size_t size = 2 * (suite.mac_bytes + suite.key_bytes + iv_bytes);
  std::string seed(server.random.begin(), server.random.end());
  seed.append(client.random.begin(), client.random.end());
  const std::string block =
      TlsPrf(PrfHash(server.version, suite.hash), master, "key expansion", seed, size);
  if (block.size() != size) return nullptr;
  const size_t which = of_client ? 0 : 1;
  cipher->mac_key_ = block.substr(which * suite.mac_bytes, suite.mac_bytes);
  const size_t keys = 2 * suite.mac_bytes;
  cipher->iv_ = block.substr(keys + 2 * suite.key_bytes + which * iv_bytes, iv_bytes);
  cipher->encrypt_then_mac_ = server.encrypt_then_mac && suite.mode == Mode::kCbc;
  if (!cipher->Start(block.substr(keys + which * suite.key_bytes, suite.key_bytes))) return nullptr;
  return cipher;
}

size_t RecordCipher::overhead() const {
  switch (suite_.mode) {
    case CipherSuite::Mode::kCbc:
      return (chains() ? 0 : suite_.block_bytes) + suite_.mac_bytes + 1;
    case CipherSuite::Mode::kStream:
      return suite_.mac_bytes;
    case CipherSuite::Mode::kChaCha20:
      return suite_.tag_bytes + (tls13() ? 1 : 0);
    default:
      return suite_.tag_bytes + (tls13() ? 1 : kExplicitIvBytes);
  }
}

void RecordCipher::SkipRecord(size_t fragment_bytes) {
  ++sequence_;
  if (chains()) knows_iv_ = false;
  if (suite_.mode != CipherSuite::Mode::kStream || suite_.cipher == nullptr) return;
  // The stream of the key goes on.
  const std::string zeros(fragment_bytes, '\0');
  std::string out(fragment_bytes, '\0');
  int n = 0;
  EVP_DecryptUpdate(context_, Bytes(&out), &n, Bytes(zeros), static_cast<int>(zeros.size()));
}

void RecordCipher::PassOver(ByteView fragment) {
  ++sequence_;
  if (!chains()) return;
  const size_t behind = encrypt_then_mac_ ? suite_.mac_bytes : 0;
  if (fragment.size() < suite_.block_bytes + behind) return;
  iv_ = AsText(fragment.first(fragment.size() - behind).last(suite_.block_bytes));
  knows_iv_ = true;
}

bool RecordCipher::Decrypt(uint8_t type, uint16_t version, ByteView fragment, std::string* plain) {
  const bool done =
      suite_.mode == CipherSuite::Mode::kCbc      ? DecryptCbc(type, version, fragment, plain)
      : suite_.mode == CipherSuite::Mode::kStream ? DecryptStream(type, version, fragment, plain)
                                                  : DecryptAead(type, version, fragment, plain);
  if (done) ++sequence_;
  return done;
}

bool RecordCipher::DecryptAead(uint8_t type, uint16_t version, ByteView fragment,
                               std::string* plain) {
  const bool chacha20 = suite_.mode == CipherSuite::Mode::kChaCha20;
  const bool ccm = suite_.mode == CipherSuite::Mode::kCcm;
  const size_t tag_bytes = suite_.tag_bytes;
  std::string aad;
  std::string nonce = iv_;
  if (!tls13()) {
    const size_t explicit_bytes = chacha20 ? 0 : kExplicitIvBytes;
    if (fragment.size() < explicit_bytes + tag_bytes) return false;
    nonce.append(AsText(fragment.first(explicit_bytes)));
    fragment = fragment.subspan(explicit_bytes);
    AppendNumber(sequence_, 8, &aad);
  }
  if (fragment.size() < tag_bytes) return false;
  const size_t size = fragment.size() - tag_bytes;
  AppendNumber(type, 1, &aad);
  AppendNumber(version, 2, &aad);
  AppendNumber(tls13() ? fragment.size() : size, 2, &aad);
  if (tls13() || chacha20) {
    for (size_t i = 0; i < 8; ++i) {
      nonce[kNonceBytes - 1 - i] =
          static_cast<char>(static_cast<uint8_t>(nonce[kNonceBytes - 1 - i]) ^
                            static_cast<uint8_t>(sequence_ >> (8 * i)));
    }
  }
  std::string tag(AsText(fragment.subspan(size)));
  plain->resize(size);
  const int bytes = static_cast<int>(size);
  int n = 0;
  uint8_t rest[EVP_MAX_BLOCK_LENGTH];
  if (ccm) {  // it has to know the lengths before, and checks the tag with the content
    return EVP_DecryptInit_ex(context_, suite_.cipher, nullptr, nullptr, nullptr) == 1 &&
           EVP_CIPHER_CTX_ctrl(context_, EVP_CTRL_AEAD_SET_IVLEN, kNonceBytes, nullptr) == 1 &&
           EVP_CIPHER_CTX_ctrl(context_, EVP_CTRL_AEAD_SET_TAG, static_cast<int>(tag_bytes),
                               tag.data()) == 1 &&
           EVP_DecryptInit_ex(context_, nullptr, nullptr, Bytes(key_), Bytes(nonce)) == 1 &&
           EVP_DecryptUpdate(context_, nullptr, &n, nullptr, bytes) == 1 &&
           EVP_DecryptUpdate(context_, nullptr, &n, Bytes(aad), static_cast<int>(aad.size())) ==
               1 &&
           EVP_DecryptUpdate(context_, Bytes(plain), &n, fragment.data(), bytes) == 1;
  }
  return EVP_DecryptInit_ex(context_, nullptr, nullptr, nullptr, Bytes(nonce)) == 1 &&
         EVP_CIPHER_CTX_ctrl(context_, EVP_CTRL_AEAD_SET_TAG, static_cast<int>(tag_bytes),
                             tag.data()) == 1 &&
         EVP_DecryptUpdate(context_, nullptr, &n, Bytes(aad), static_cast<int>(aad.size())) == 1 &&
         EVP_DecryptUpdate(context_, Bytes(plain), &n, fragment.data(), bytes) == 1 &&
         EVP_DecryptFinal_ex(context_, rest, &n) == 1;
}

// Content, then its MAC; of the suites without encryption both are plain.
bool RecordCipher::DecryptStream(uint8_t type, uint16_t version, ByteView fragment,
                                 std::string* plain) {
  plain->assign(AsText(fragment));
  int n = 0;
  if (suite_.cipher != nullptr && EVP_DecryptUpdate(context_, Bytes(plain), &n, fragment.data(),
                                                    static_cast<int>(fragment.size())) != 1) {
    return false;
  }
  if (plain->size() < suite_.mac_bytes) return false;
  const size_t size = plain->size() - suite_.mac_bytes;
  if (Mac(type, version, {}, AsBytes(*plain).first(size)) != plain->substr(size)) return false;
  plain->resize(size);
  return true;
}

std::string RecordCipher::Mac(uint8_t type, uint16_t version, ByteView iv, ByteView content) const {
  std::string text;
  AppendNumber(sequence_, 8, &text);
  AppendNumber(type, 1, &text);
  AppendNumber(version, 2, &text);
  AppendNumber(iv.size() + content.size(), 2, &text);
  text.append(AsText(iv));
  text.append(AsText(content));
  uint8_t mac[EVP_MAX_MD_SIZE];
  unsigned size = 0;
  HMAC(suite_.mac, mac_key_.data(), static_cast<int>(mac_key_.size()), Bytes(text), text.size(),
       mac, &size);
  return {reinterpret_cast<const char*>(mac), size};
}

// An IV (in TLS 1.0 the last block of the record before), then blocks: content, MAC, padding; with
// encrypt-then-MAC the MAC is behind the blocks.
bool RecordCipher::DecryptCbc(uint8_t type, uint16_t version, ByteView fragment,
                              std::string* plain) {
  const size_t block_bytes = suite_.block_bytes;
  const size_t explicit_bytes = chains() ? 0 : block_bytes;
  if (fragment.size() < explicit_bytes) return false;
  const ByteView explicit_iv = fragment.first(explicit_bytes);
  ByteView blocks = fragment.subspan(explicit_bytes);
  if (encrypt_then_mac_) {
    if (blocks.size() < suite_.mac_bytes) return false;
    const ByteView mac = blocks.last(suite_.mac_bytes);
    blocks = blocks.first(blocks.size() - suite_.mac_bytes);
    if (Mac(type, version, explicit_iv, blocks) != AsText(mac)) return false;
  }
  if (blocks.empty() || blocks.size() % block_bytes != 0) return false;
  plain->resize(blocks.size());
  int n = 0;
  const uint8_t* const iv = chains() ? Bytes(iv_) : explicit_iv.data();
  if (EVP_DecryptInit_ex(context_, nullptr, nullptr, nullptr, iv) != 1 ||
      EVP_DecryptUpdate(context_, Bytes(plain), &n, blocks.data(),
                        static_cast<int>(blocks.size())) != 1 ||
      n != static_cast<int>(blocks.size())) {
    return false;
  }
  if (chains()) iv_ = AsText(blocks.last(block_bytes));
  const auto padding = static_cast<uint8_t>(plain->back());
  const size_t behind = size_t{padding} + 1 + (encrypt_then_mac_ ? 0 : suite_.mac_bytes);
  if (behind > plain->size()) return false;
  for (size_t i = 1; i <= padding; ++i) {
    if (static_cast<uint8_t>((*plain)[plain->size() - 1 - i]) != padding) return false;
  }
  const size_t size = plain->size() - behind;
  if (!encrypt_then_mac_) {
    const std::string mac = plain->substr(size, suite_.mac_bytes);
    if (Mac(type, version, {}, AsBytes(*plain).first(size)) != mac) return false;
  }
  plain->resize(size);
  return true;
}

}  // namespace flowstitch
