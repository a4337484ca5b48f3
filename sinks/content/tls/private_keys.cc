#include "sinks/content/tls/private_keys.h"

#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>

#include <cstdio>

#include "absl/strings/str_cat.h"
#include "sinks/content/tls/key_derivation.h"
#include "sinks/streams/safe_file.h"

namespace flowstitch {
namespace {

// No passphrase is asked for: a process may have nobody to ask.
int NoPassphrase(char* /*buffer*/, int /*size*/, int /*writes*/, void* asked) {
  *static_cast<bool*>(asked) = true;
  return -1;
}

}  // namespace

PrivateKeys::PrivateKeys() = default;

PrivateKeys::~PrivateKeys() {
  for (EVP_PKEY* key : keys_) EVP_PKEY_free(key);
}

absl::Status PrivateKeys::Add(const std::string& path) {
  const std::unique_ptr<FILE, int (*)(FILE*)> file(std::fopen(path.c_str(), "re"), std::fclose);
  if (file == nullptr) return FileError("read", path);
  bool asked = false;
  EVP_PKEY* const key = PEM_read_PrivateKey(file.get(), nullptr, NoPassphrase, &asked);
  ERR_clear_error();
  if (key == nullptr) {
    return absl::InvalidArgumentError(absl::StrCat(
        path, asked ? " is protected by a passphrase: openssl pkey -in FILE takes it off"
                    : " has no private key in PEM form"));
  }
  if (EVP_PKEY_get_base_id(key) != EVP_PKEY_RSA) {
    const std::string kind = EVP_PKEY_get0_type_name(key);
    EVP_PKEY_free(key);
    return absl::InvalidArgumentError(
        absl::StrCat(path, " has a key of the kind ", kind,
                     ": only RSA's open connections, and only those whose key exchange is RSA"));
  }
  keys_.push_back(key);
  return absl::OkStatus();
}

std::string PrivateKeys::Decrypt(ByteView encrypted, uint16_t client_version) const {
  for (EVP_PKEY* key : keys_) {
    if (static_cast<size_t>(EVP_PKEY_get_size(key)) != encrypted.size()) continue;
    const std::unique_ptr<EVP_PKEY_CTX, decltype(&EVP_PKEY_CTX_free)> context(
        EVP_PKEY_CTX_new(key, nullptr), EVP_PKEY_CTX_free);
    std::string plain(encrypted.size(), '\0');
    size_t size = plain.size();
    const bool opened = context != nullptr && EVP_PKEY_decrypt_init(context.get()) == 1 &&
                        EVP_PKEY_CTX_set_rsa_padding(context.get(), RSA_PKCS1_PADDING) == 1 &&
                        EVP_PKEY_decrypt(context.get(), reinterpret_cast<uint8_t*>(plain.data()),
                                         &size, encrypted.data(), encrypted.size()) == 1;
    ERR_clear_error();
    plain.resize(opened ? size : 0);
    // It begins with the version that the client offered. Another key gives something random.
    if (plain.size() == kMasterSecretBytes && LoadBe16(AsBytes(plain).data()) == client_version) {
      return plain;
    }
  }
  return "";
}

}  // namespace flowstitch
