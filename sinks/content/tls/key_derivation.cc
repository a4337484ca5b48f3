#include "sinks/content/tls/key_derivation.h"

#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/kdf.h>
#include <openssl/params.h>

#include "sinks/content/tls/handshake_messages.h"

namespace flowstitch {
namespace {

std::string Derive(const char* kdf_name, OSSL_PARAM* parameters, size_t size) {
  EVP_KDF* kdf = EVP_KDF_fetch(nullptr, kdf_name, nullptr);
  EVP_KDF_CTX* context = kdf == nullptr ? nullptr : EVP_KDF_CTX_new(kdf);
  EVP_KDF_free(kdf);
  std::string out(size, '\0');
  const bool done =
      context != nullptr &&
      EVP_KDF_derive(context, reinterpret_cast<uint8_t*>(out.data()), size, parameters) == 1;
  EVP_KDF_CTX_free(context);
  return done ? out : "";
}

}  // namespace

const EVP_MD* PrfHash(uint16_t version, const EVP_MD* of_suite) {
  return version >= kTls12Version ? of_suite : EVP_md5_sha1();
}

std::string TlsPrf(const EVP_MD* hash, const std::string& secret, std::string_view label,
                   std::string_view seed, size_t bytes) {
  std::string all(label);
  all += seed;
  OSSL_PARAM parameters[] = {
      OSSL_PARAM_construct_utf8_string(OSSL_KDF_PARAM_DIGEST,
                                       const_cast<char*>(EVP_MD_get0_name(hash)), 0),
      OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_SECRET, const_cast<char*>(secret.data()),
                                        secret.size()),
      OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_SEED, all.data(), all.size()),
      OSSL_PARAM_construct_end()};
  return Derive("TLS1-PRF", parameters, bytes);
}

std::string ExpandLabel(const EVP_MD* hash, const std::string& secret, const std::string& label,
                        size_t size) {
  std::string info;
  info += static_cast<char>(size >> 8);
  info += static_cast<char>(size);
  const std::string full = "tls13 " + label;
  info += static_cast<char>(full.size());
  info += full;
  info += '\0';
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

std::string MasterSecret(const EVP_MD* hash, const std::string& pre_master,
                         std::string_view randoms) {
  return TlsPrf(hash, pre_master, "master secret", randoms, kMasterSecretBytes);
}

std::string ExtendedMasterSecret(const EVP_MD* hash, const std::string& pre_master,
                                 std::string_view messages) {
  uint8_t digest[EVP_MAX_MD_SIZE];
  unsigned size = 0;
  if (EVP_Digest(messages.data(), messages.size(), digest, &size, hash, nullptr) != 1) return "";
  return TlsPrf(hash, pre_master, "extended master secret",
                {reinterpret_cast<const char*>(digest), size}, kMasterSecretBytes);
}

}  // namespace flowstitch
