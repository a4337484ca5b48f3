// Keys of TLS, against what the standards and OpenSSL say.
#include "sinks/content/tls/key_derivation.h"

#include <gtest/gtest.h>
#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/kdf.h>

#include <random>
#include <string>

#include "absl/strings/escaping.h"

namespace flowstitch {
namespace {

std::string RandomBytes(std::mt19937_64& random, size_t size) {
  std::string bytes(size, '\0');
  for (char& c : bytes) c = static_cast<char>(random());
  return bytes;
}

// RFC 5246, 5, and RFC 2246, 5, as OpenSSL computes them.
std::string OpenSslPrf(const char* digest, std::string secret, std::string seed, size_t bytes) {
  EVP_KDF* const kdf = EVP_KDF_fetch(nullptr, "TLS1-PRF", nullptr);
  EVP_KDF_CTX* const context = EVP_KDF_CTX_new(kdf);
  const OSSL_PARAM parameters[] = {
      OSSL_PARAM_construct_utf8_string(OSSL_KDF_PARAM_DIGEST, const_cast<char*>(digest), 0),
      OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_SECRET, secret.data(), secret.size()),
      OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_SEED, seed.data(), seed.size()),
      OSSL_PARAM_construct_end()};
  std::string out(bytes, '\0');
  EXPECT_EQ(
      EVP_KDF_derive(context, reinterpret_cast<unsigned char*>(out.data()), bytes, parameters), 1);
  EVP_KDF_CTX_free(context);
  EVP_KDF_free(kdf);
  return out;
}

TEST(KeyDerivation, ThePrfIsOpenSsls) {
  std::mt19937_64 random(1);
  for (int i = 0; i < 200; ++i) {
    const std::string secret = RandomBytes(random, 1 + random() % 100);
    const std::string seed = RandomBytes(random, random() % 100);
    const size_t bytes = 1 + random() % 200;
    EXPECT_EQ(TlsPrf(EVP_sha256(), secret, "a label", seed, bytes),
              OpenSslPrf("SHA256", secret, "a label" + seed, bytes));
    EXPECT_EQ(TlsPrf(EVP_sha384(), secret, "a label", seed, bytes),
              OpenSslPrf("SHA384", secret, "a label" + seed, bytes));
    const EVP_MD* const old = PrfHash(0x0301, EVP_sha256());
    EXPECT_EQ(TlsPrf(old, secret, "a label", seed, bytes),
              OpenSslPrf("MD5-SHA1", secret, "a label" + seed, bytes));
  }
}

TEST(KeyDerivation, MasterSecretsAreThePrfsOfTheirLabels) {
  const std::string pre_master(48, 'p');
  const std::string randoms(64, 'r');
  EXPECT_EQ(MasterSecret(EVP_sha256(), pre_master, randoms),
            OpenSslPrf("SHA256", pre_master, "master secret" + randoms, kMasterSecretBytes));
}

// RFC 8448, 3: the server's handshake keys.
TEST(KeyDerivation, ExpandsLabelsAsTheTraceOfRfc8448) {
  const std::string secret =
      absl::HexStringToBytes("b67b7d690cc16c4e75e54213cb2d37b4e9c912bcded9105d42befd59d391ad38");
  EXPECT_EQ(absl::BytesToHexString(ExpandLabel(EVP_sha256(), secret, "key", 16)),
            "3fce516009c21727d0f2e4e86ee403bc");
  EXPECT_EQ(absl::BytesToHexString(ExpandLabel(EVP_sha256(), secret, "iv", 12)),
            "5d313eb2671276ee13000b30");
}

}  // namespace
}  // namespace flowstitch
