#include "sinks/content/tls/cipher_suites.h"

#include <openssl/evp.h>
#include <openssl/provider.h>
#include <openssl/ssl.h>

#include <algorithm>
#include <memory>

namespace flowstitch {
namespace {

// Suites that OpenSSL's TLS does not have any more, as Debian builds it (RFC 2246, RFC 4346, RFC
// 4492, RFC 4279, RFC 5054, RFC 5489).
struct OldSuite {
  uint16_t number;
  const char* name;
  const char* cipher;  // OpenSSL's name
  const char* mac;
};
constexpr char kRc4[] = "RC4";
constexpr char kTripleDes[] = "DES-EDE3-CBC";
constexpr char kDes[] = "DES-CBC";
constexpr char kIdea[] = "IDEA-CBC";
constexpr OldSuite kOldSuites[] = {
    {0x0004, "TLS_RSA_WITH_RC4_128_MD5", kRc4, "MD5"},
    {0x0005, "TLS_RSA_WITH_RC4_128_SHA", kRc4, "SHA1"},
    {0x0007, "TLS_RSA_WITH_IDEA_CBC_SHA", kIdea, "SHA1"},
    {0x0009, "TLS_RSA_WITH_DES_CBC_SHA", kDes, "SHA1"},
    {0x000a, "TLS_RSA_WITH_3DES_EDE_CBC_SHA", kTripleDes, "SHA1"},
    {0x000c, "TLS_DH_DSS_WITH_DES_CBC_SHA", kDes, "SHA1"},
    {0x000d, "TLS_DH_DSS_WITH_3DES_EDE_CBC_SHA", kTripleDes, "SHA1"},
    {0x000f, "TLS_DH_RSA_WITH_DES_CBC_SHA", kDes, "SHA1"},
    {0x0010, "TLS_DH_RSA_WITH_3DES_EDE_CBC_SHA", kTripleDes, "SHA1"},
    {0x0012, "TLS_DHE_DSS_WITH_DES_CBC_SHA", kDes, "SHA1"},
    {0x0013, "TLS_DHE_DSS_WITH_3DES_EDE_CBC_SHA", kTripleDes, "SHA1"},
    {0x0015, "TLS_DHE_RSA_WITH_DES_CBC_SHA", kDes, "SHA1"},
    {0x0016, "TLS_DHE_RSA_WITH_3DES_EDE_CBC_SHA", kTripleDes, "SHA1"},
    {0x0018, "TLS_DH_anon_WITH_RC4_128_MD5", kRc4, "MD5"},
    {0x001a, "TLS_DH_anon_WITH_DES_CBC_SHA", kDes, "SHA1"},
    {0x001b, "TLS_DH_anon_WITH_3DES_EDE_CBC_SHA", kTripleDes, "SHA1"},
    {0x008a, "TLS_PSK_WITH_RC4_128_SHA", kRc4, "SHA1"},
    {0x008b, "TLS_PSK_WITH_3DES_EDE_CBC_SHA", kTripleDes, "SHA1"},
    {0x008e, "TLS_DHE_PSK_WITH_RC4_128_SHA", kRc4, "SHA1"},
    {0x008f, "TLS_DHE_PSK_WITH_3DES_EDE_CBC_SHA", kTripleDes, "SHA1"},
    {0x0092, "TLS_RSA_PSK_WITH_RC4_128_SHA", kRc4, "SHA1"},
    {0x0093, "TLS_RSA_PSK_WITH_3DES_EDE_CBC_SHA", kTripleDes, "SHA1"},
    {0xc002, "TLS_ECDH_ECDSA_WITH_RC4_128_SHA", kRc4, "SHA1"},
    {0xc003, "TLS_ECDH_ECDSA_WITH_3DES_EDE_CBC_SHA", kTripleDes, "SHA1"},
    {0xc007, "TLS_ECDHE_ECDSA_WITH_RC4_128_SHA", kRc4, "SHA1"},
    {0xc008, "TLS_ECDHE_ECDSA_WITH_3DES_EDE_CBC_SHA", kTripleDes, "SHA1"},
    {0xc00c, "TLS_ECDH_RSA_WITH_RC4_128_SHA", kRc4, "SHA1"},
    {0xc00d, "TLS_ECDH_RSA_WITH_3DES_EDE_CBC_SHA", kTripleDes, "SHA1"},
    {0xc011, "TLS_ECDHE_RSA_WITH_RC4_128_SHA", kRc4, "SHA1"},
    {0xc012, "TLS_ECDHE_RSA_WITH_3DES_EDE_CBC_SHA", kTripleDes, "SHA1"},
    {0xc016, "TLS_ECDH_anon_WITH_RC4_128_SHA", kRc4, "SHA1"},
    {0xc017, "TLS_ECDH_anon_WITH_3DES_EDE_CBC_SHA", kTripleDes, "SHA1"},
    {0xc01a, "TLS_SRP_SHA_WITH_3DES_EDE_CBC_SHA", kTripleDes, "SHA1"},
    {0xc01b, "TLS_SRP_SHA_RSA_WITH_3DES_EDE_CBC_SHA", kTripleDes, "SHA1"},
    {0xc01c, "TLS_SRP_SHA_DSS_WITH_3DES_EDE_CBC_SHA", kTripleDes, "SHA1"},
    {0xc033, "TLS_ECDHE_PSK_WITH_RC4_128_SHA", kRc4, "SHA1"},
    {0xc034, "TLS_ECDHE_PSK_WITH_3DES_EDE_CBC_SHA", kTripleDes, "SHA1"},
};

const OldSuite* FindOldSuite(uint16_t number) {
  const auto* const found =
      std::find_if(std::begin(kOldSuites), std::end(kOldSuites),
                   [number](const OldSuite& suite) { return suite.number == number; });
  return found == std::end(kOldSuites) ? nullptr : found;
}

const SSL_CIPHER* FindCipher(uint16_t suite) {
  // OpenSSL knows the suites, but gives them through a connection only.
  static const std::unique_ptr<SSL_CTX, decltype(&SSL_CTX_free)> context(SSL_CTX_new(TLS_method()),
                                                                         SSL_CTX_free);
  static const std::unique_ptr<SSL, decltype(&SSL_free)> ssl(SSL_new(context.get()), SSL_free);
  const uint8_t number[2] = {static_cast<uint8_t>(suite >> 8), static_cast<uint8_t>(suite)};
  return SSL_CIPHER_find(ssl.get(), number);
}

// Kept for the process's life.
const EVP_CIPHER* Fetch(const char* name) {
  LoadTlsCiphers();
  return EVP_CIPHER_fetch(nullptr, name, nullptr);
}

const EVP_CIPHER* Rc4() {
  static const EVP_CIPHER* const cipher = Fetch(kRc4);
  return cipher;
}
const EVP_CIPHER* Des() {
  static const EVP_CIPHER* const cipher = Fetch(kDes);
  return cipher;
}
const EVP_CIPHER* Seed() {
  static const EVP_CIPHER* const cipher = Fetch("SEED-CBC");
  return cipher;
}

using Mode = CipherSuite::Mode;
struct Algorithm {
  int nid;
  Mode mode;
  const EVP_CIPHER* (*cipher)();
  size_t tag_bytes = 16;
};
constexpr Algorithm kAlgorithms[] = {
    {NID_aes_128_gcm, Mode::kGcm, EVP_aes_128_gcm},
    {NID_aes_256_gcm, Mode::kGcm, EVP_aes_256_gcm},
    {NID_aria_128_gcm, Mode::kGcm, EVP_aria_128_gcm},
    {NID_aria_256_gcm, Mode::kGcm, EVP_aria_256_gcm},
    {NID_aes_128_ccm, Mode::kCcm, EVP_aes_128_ccm},
    {NID_aes_256_ccm, Mode::kCcm, EVP_aes_256_ccm},
    {NID_chacha20_poly1305, Mode::kChaCha20, EVP_chacha20_poly1305},
    {NID_aes_128_cbc, Mode::kCbc, EVP_aes_128_cbc},
    {NID_aes_256_cbc, Mode::kCbc, EVP_aes_256_cbc},
    {NID_camellia_128_cbc, Mode::kCbc, EVP_camellia_128_cbc},
    {NID_camellia_256_cbc, Mode::kCbc, EVP_camellia_256_cbc},
    {NID_des_ede3_cbc, Mode::kCbc, EVP_des_ede3_cbc},
    {NID_des_cbc, Mode::kCbc, Des},
    {NID_seed_cbc, Mode::kCbc, Seed},
    {NID_rc4, Mode::kStream, Rc4},
};

// RFC 6655, RFC 7251, RFC 8446: CCM whose tags are shorter.
bool IsCcm8(const std::string& name) {
  constexpr std::string_view kEnd = "_CCM_8";
  return name.find(kEnd) != std::string::npos;
}

CipherSuite Finish(CipherSuite suite, int nid, const EVP_MD* mac) {
  const auto* const algorithm = std::find_if(std::begin(kAlgorithms), std::end(kAlgorithms),
                                             [nid](const Algorithm& a) { return a.nid == nid; });
  const bool plain = nid == NID_undef;
  if (!plain && algorithm == std::end(kAlgorithms)) return suite;
  const Mode mode = plain ? Mode::kStream : algorithm->mode;
  if (!plain) {
    suite.cipher = algorithm->cipher();
    if (suite.cipher == nullptr) return suite;
    suite.key_bytes = static_cast<size_t>(EVP_CIPHER_get_key_length(suite.cipher));
  }
  if (mode == Mode::kCbc || mode == Mode::kStream) {
    if (mac == nullptr) return suite;
    suite.mac = mac;
    suite.mac_bytes = static_cast<size_t>(EVP_MD_get_size(mac));
  }
  if (mode == Mode::kCbc) {
    suite.block_bytes = static_cast<size_t>(EVP_CIPHER_get_block_size(suite.cipher));
  }
  suite.mode = mode;
  return suite;
}

struct UnloadProvider {
  void operator()(OSSL_PROVIDER* provider) const { OSSL_PROVIDER_unload(provider); }
};
using Provider = std::unique_ptr<OSSL_PROVIDER, UnloadProvider>;

}  // namespace

void LoadTlsCiphers() {
  // Named together: a provider that is loaded by name takes the place of the default one. Unloaded
  // when the process ends: OpenSSL frees what nobody has loaded by name only.
  static const Provider default_provider(OSSL_PROVIDER_load(nullptr, "default"));
  static const Provider legacy_provider(OSSL_PROVIDER_load(nullptr, "legacy"));
}

CipherSuite FindCipherSuite(uint16_t number) {
  CipherSuite suite;
  suite.hash = EVP_sha256();  // TLS 1.2's default, which older suites take there
  if (const OldSuite* const old = FindOldSuite(number)) {
    return Finish(suite, OBJ_sn2nid(old->cipher), EVP_get_digestbyname(old->mac));
  }
  const SSL_CIPHER* const cipher = FindCipher(number);
  if (cipher == nullptr) return suite;
  const EVP_MD* const hash = SSL_CIPHER_get_handshake_digest(cipher);
  if (hash != nullptr && EVP_MD_get_type(hash) != NID_md5_sha1) suite.hash = hash;
  if (IsCcm8(CipherSuiteName(number))) suite.tag_bytes = 8;
  return Finish(suite, SSL_CIPHER_get_cipher_nid(cipher),
                EVP_get_digestbynid(SSL_CIPHER_get_digest_nid(cipher)));
}

std::string CipherSuiteName(uint16_t number) {
  if (const OldSuite* const old = FindOldSuite(number)) return old->name;
  const SSL_CIPHER* const found = FindCipher(number);
  const char* const name = found == nullptr ? nullptr : SSL_CIPHER_standard_name(found);
  return name == nullptr ? "" : name;
}

}  // namespace flowstitch
