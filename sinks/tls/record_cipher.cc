#include "sinks/tls/record_cipher.h"

#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/kdf.h>
#include <openssl/params.h>
#include <openssl/ssl.h>

#include <algorithm>

namespace flowstitch {
namespace {

constexpr size_t kTagBytes = 16;
constexpr size_t kNonceBytes = 12;
constexpr size_t kFixedIvBytes = 4;     // of GCM in TLS 1.2
constexpr size_t kExplicitIvBytes = 8;  // likewise
constexpr size_t kBlockBytes = 16;      // of AES

uint8_t* Bytes(std::string* text) { return reinterpret_cast<uint8_t*>(text->data()); }
const uint8_t* Bytes(const std::string& text) {
  return reinterpret_cast<const uint8_t*>(text.data());
}

void AppendNumber(uint64_t number, size_t size, std::string* out) {
  for (size_t i = size; i-- > 0;) *out += static_cast<char>(number >> (8 * i));
}

std::string Derive(const char* kdf_name, OSSL_PARAM* parameters, size_t size) {
  EVP_KDF* kdf = EVP_KDF_fetch(nullptr, kdf_name, nullptr);
  EVP_KDF_CTX* context = kdf == nullptr ? nullptr : EVP_KDF_CTX_new(kdf);
  EVP_KDF_free(kdf);
  std::string out(size, '\0');
  const bool done =
      context != nullptr && EVP_KDF_derive(context, Bytes(&out), size, parameters) == 1;
  EVP_KDF_CTX_free(context);
  return done ? out : "";
}

// RFC 8446, 7.1, without context.
std::string ExpandLabel(const EVP_MD* hash, const std::string& secret, const std::string& label,
                        size_t size) {
  std::string info;
  AppendNumber(size, 2, &info);
  const std::string full = "tls13 " + label;
  AppendNumber(full.size(), 1, &info);
  info += full;
  AppendNumber(0, 1, &info);
  int mode = EVP_KDF_HKDF_MODE_EXPAND_ONLY;
  OSSL_PARAM parameters[] = {
      OSSL_PARAM_construct_int(OSSL_KDF_PARAM_MODE, &mode),
      OSSL_PARAM_construct_utf8_string(OSSL_KDF_PARAM_DIGEST,
                                       const_cast<char*>(EVP_MD_get0_name(hash)), 0),
      OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_KEY, const_cast<char*>(secret.data()),
                                        secret.size()),
      OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_INFO, info.data(), info.size()),
      OSSL_PARAM_construct_end()};
  return Derive("HKDF", parameters, size);
}

// RFC 5246, 6.3: the key block.
std::string KeyBlock(const EVP_MD* hash, const std::string& master, const TlsRandom& client,
                     const TlsRandom& server, size_t size) {
  std::string seed = "key expansion";
  seed.append(server.begin(), server.end());
  seed.append(client.begin(), client.end());
  OSSL_PARAM parameters[] = {
      OSSL_PARAM_construct_utf8_string(OSSL_KDF_PARAM_DIGEST,
                                       const_cast<char*>(EVP_MD_get0_name(hash)), 0),
      OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_SECRET, const_cast<char*>(master.data()),
                                        master.size()),
      OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_SEED, seed.data(), seed.size()),
      OSSL_PARAM_construct_end()};
  return Derive("TLS1-PRF", parameters, size);
}

const SSL_CIPHER* FindCipher(uint16_t suite) {
  // OpenSSL knows the suites, but gives them through a connection only.
  static const std::unique_ptr<SSL_CTX, decltype(&SSL_CTX_free)> context(SSL_CTX_new(TLS_method()),
                                                                         SSL_CTX_free);
  static const std::unique_ptr<SSL, decltype(&SSL_free)> ssl(SSL_new(context.get()), SSL_free);
  const uint8_t number[2] = {static_cast<uint8_t>(suite >> 8), static_cast<uint8_t>(suite)};
  return SSL_CIPHER_find(ssl.get(), number);
}

}  // namespace

CipherSuite FindCipherSuite(uint16_t number) {
  CipherSuite suite;
  const SSL_CIPHER* cipher = FindCipher(number);
  if (cipher == nullptr) return suite;
  suite.hash = SSL_CIPHER_get_handshake_digest(cipher);
  // Suites that are older than TLS 1.2 take its default there.
  if (suite.hash == nullptr || EVP_MD_get_type(suite.hash) == NID_md5_sha1) {
    suite.hash = EVP_sha256();
  }
  switch (SSL_CIPHER_get_cipher_nid(cipher)) {
    case NID_aes_128_gcm:
      suite.mode = CipherSuite::Mode::kGcm;
      suite.cipher = EVP_aes_128_gcm();
      break;
    case NID_aes_256_gcm:
      suite.mode = CipherSuite::Mode::kGcm;
      suite.cipher = EVP_aes_256_gcm();
      break;
    case NID_chacha20_poly1305:
      suite.mode = CipherSuite::Mode::kChaCha20;
      suite.cipher = EVP_chacha20_poly1305();
      break;
    case NID_aes_128_cbc:
      suite.mode = CipherSuite::Mode::kCbc;
      suite.cipher = EVP_aes_128_cbc();
      break;
    case NID_aes_256_cbc:
      suite.mode = CipherSuite::Mode::kCbc;
      suite.cipher = EVP_aes_256_cbc();
      break;
    default:
      return suite;
  }
  suite.key_bytes = static_cast<size_t>(EVP_CIPHER_get_key_length(suite.cipher));
  if (suite.mode == CipherSuite::Mode::kCbc) {
    suite.mac = EVP_get_digestbynid(SSL_CIPHER_get_digest_nid(cipher));
    if (suite.mac == nullptr) {
      suite.mode = CipherSuite::Mode::kNone;
    } else {
      suite.mac_bytes = static_cast<size_t>(EVP_MD_get_size(suite.mac));
    }
  }
  return suite;
}

std::string NextTrafficSecret(const CipherSuite& suite, const std::string& secret) {
  return ExpandLabel(suite.hash, secret, "traffic upd", secret.size());
}

RecordCipher::RecordCipher(const CipherSuite& suite, bool tls13)
    : suite_(suite), tls13_(tls13), context_(EVP_CIPHER_CTX_new()) {}

RecordCipher::~RecordCipher() {
  EVP_CIPHER_CTX_free(context_);
  OPENSSL_cleanse(mac_key_.data(), mac_key_.size());
}

bool RecordCipher::Start(const std::string& key) {
  return context_ != nullptr && key.size() == suite_.key_bytes &&
         EVP_DecryptInit_ex(context_, suite_.cipher, nullptr, Bytes(key), nullptr) == 1 &&
         EVP_CIPHER_CTX_set_padding(context_, 0) == 1;
}

std::unique_ptr<RecordCipher> RecordCipher::FromTrafficSecret(const CipherSuite& suite,
                                                              const std::string& secret) {
  const bool fits =
      suite.mode == CipherSuite::Mode::kGcm || suite.mode == CipherSuite::Mode::kChaCha20;
  if (!fits || secret.size() != static_cast<size_t>(EVP_MD_get_size(suite.hash))) return nullptr;
  auto cipher = std::unique_ptr<RecordCipher>(new RecordCipher(suite, true));
  cipher->iv_ = ExpandLabel(suite.hash, secret, "iv", kNonceBytes);
  const std::string key = ExpandLabel(suite.hash, secret, "key", suite.key_bytes);
  if (cipher->iv_.size() != kNonceBytes || !cipher->Start(key)) return nullptr;
  return cipher;
}

std::unique_ptr<RecordCipher> RecordCipher::FromMasterSecret(
    const CipherSuite& suite, const std::string& master, const TlsRandom& client,
    const TlsRandom& server, bool of_client, bool encrypt_then_mac) {
  if (suite.mode == CipherSuite::Mode::kNone) return nullptr;
  const size_t iv_bytes = suite.mode == CipherSuite::Mode::kGcm        ? kFixedIvBytes
                          : suite.mode == CipherSuite::Mode::kChaCha20 ? kNonceBytes
                                                                       : 0;
  // Client's and server's MAC keys, keys, IVs.
  const size_t size = 2 * (suite.mac_bytes + suite.key_bytes + iv_bytes);
  const std::string block = KeyBlock(suite.hash, master, client, server, size);
  if (block.size() != size) return nullptr;
  auto cipher = std::unique_ptr<RecordCipher>(new RecordCipher(suite, false));
  const size_t which = of_client ? 0 : 1;
  cipher->mac_key_ = block.substr(which * suite.mac_bytes, suite.mac_bytes);
  const size_t keys = 2 * suite.mac_bytes;
  cipher->iv_ = block.substr(keys + 2 * suite.key_bytes + which * iv_bytes, iv_bytes);
  cipher->encrypt_then_mac_ = encrypt_then_mac && suite.mode == CipherSuite::Mode::kCbc;
  if (!cipher->Start(block.substr(keys + which * suite.key_bytes, suite.key_bytes))) return nullptr;
  return cipher;
}

size_t RecordCipher::overhead() const {
  if (suite_.mode == CipherSuite::Mode::kCbc) return kBlockBytes + suite_.mac_bytes + 1;
  if (tls13_) return kTagBytes + 1;
  return kTagBytes + (suite_.mode == CipherSuite::Mode::kGcm ? kExplicitIvBytes : 0);
}

bool RecordCipher::Decrypt(uint8_t type, uint16_t version, ByteView fragment, std::string* plain) {
  const bool done = suite_.mode == CipherSuite::Mode::kCbc
                        ? DecryptCbc(type, version, fragment, plain)
                        : DecryptAead(type, version, fragment, plain);
  if (done) ++sequence_;
  return done;
}

bool RecordCipher::DecryptAead(uint8_t type, uint16_t version, ByteView fragment,
                               std::string* plain) {
  std::string aad;
  std::string nonce = iv_;
  if (!tls13_) {
    const size_t explicit_bytes = suite_.mode == CipherSuite::Mode::kGcm ? kExplicitIvBytes : 0;
    if (fragment.size() < explicit_bytes + kTagBytes) return false;
    nonce.append(AsText(fragment.first(explicit_bytes)));
    fragment = fragment.subspan(explicit_bytes);
    AppendNumber(sequence_, 8, &aad);
  }
  if (fragment.size() < kTagBytes) return false;
  const size_t size = fragment.size() - kTagBytes;
  AppendNumber(type, 1, &aad);
  AppendNumber(version, 2, &aad);
  AppendNumber(tls13_ ? fragment.size() : size, 2, &aad);
  if (tls13_ || suite_.mode == CipherSuite::Mode::kChaCha20) {
    for (size_t i = 0; i < 8; ++i) {
      nonce[kNonceBytes - 1 - i] =
          static_cast<char>(static_cast<uint8_t>(nonce[kNonceBytes - 1 - i]) ^
                            static_cast<uint8_t>(sequence_ >> (8 * i)));
    }
  }
  std::string tag(AsText(fragment.subspan(size)));
  plain->resize(size);
  int n = 0;
  uint8_t rest[kBlockBytes];
  return EVP_DecryptInit_ex(context_, nullptr, nullptr, nullptr, Bytes(nonce)) == 1 &&
         EVP_CIPHER_CTX_ctrl(context_, EVP_CTRL_AEAD_SET_TAG, kTagBytes, tag.data()) == 1 &&
         EVP_DecryptUpdate(context_, nullptr, &n, Bytes(aad), static_cast<int>(aad.size())) == 1 &&
         EVP_DecryptUpdate(context_, Bytes(plain), &n, fragment.data(), static_cast<int>(size)) ==
             1 &&
         EVP_DecryptFinal_ex(context_, rest, &n) == 1;
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

// An IV, then blocks: content, MAC, padding; with encrypt-then-MAC the MAC is behind the blocks.
bool RecordCipher::DecryptCbc(uint8_t type, uint16_t version, ByteView fragment,
                              std::string* plain) {
  if (fragment.size() < kBlockBytes) return false;
  const ByteView iv = fragment.first(kBlockBytes);
  ByteView blocks = fragment.subspan(kBlockBytes);
  if (encrypt_then_mac_) {
    if (blocks.size() < suite_.mac_bytes) return false;
    const ByteView mac = blocks.last(suite_.mac_bytes);
    blocks = blocks.first(blocks.size() - suite_.mac_bytes);
    if (Mac(type, version, iv, blocks) != AsText(mac)) return false;
  }
  if (blocks.empty() || blocks.size() % kBlockBytes != 0) return false;
  plain->resize(blocks.size());
  int n = 0;
  if (EVP_DecryptInit_ex(context_, nullptr, nullptr, nullptr, iv.data()) != 1 ||
      EVP_DecryptUpdate(context_, Bytes(plain), &n, blocks.data(),
                        static_cast<int>(blocks.size())) != 1 ||
      n != static_cast<int>(blocks.size())) {
    return false;
  }
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
