#include "sinks/digests.h"

#include <openssl/evp.h>

#include <algorithm>
#include <array>

#include "absl/strings/escaping.h"

namespace flowstitch {

Digests::Digests(const DigestChoice& choice) {
  const auto add = [this](bool wanted, const char* type, const EVP_MD* md) {
    if (!wanted) return;
    EVP_MD_CTX* context = EVP_MD_CTX_new();
    EVP_DigestInit_ex(context, md, nullptr);
    all_.push_back({type, context});
  };
  add(choice.md5, "MD5", EVP_md5());
  add(choice.sha1, "SHA1", EVP_sha1());
  add(choice.sha256, "SHA256", EVP_sha256());
}

Digests::~Digests() {
  for (const One& one : all_) EVP_MD_CTX_free(one.context);
}

void Digests::Update(ByteView bytes) {
  for (const One& one : all_) EVP_DigestUpdate(one.context, bytes.data(), bytes.size());
}

void Digests::UpdateZeros(uint64_t count) {
  static constexpr std::array<uint8_t, 16384> kZeros = {};
  while (count > 0) {
    const auto n = static_cast<size_t>(std::min<uint64_t>(count, kZeros.size()));
    Update({kZeros.data(), n});
    count -= n;
  }
}

std::vector<DigestValue> Digests::Finish() {
  std::vector<DigestValue> values;
  for (const One& one : all_) {
    unsigned char digest[EVP_MAX_MD_SIZE];
    unsigned int size = 0;
    EVP_DigestFinal_ex(one.context, digest, &size);
    values.push_back({one.type, absl::BytesToHexString(absl::string_view(
                                    reinterpret_cast<const char*>(digest), size))});
  }
  return values;
}

}  // namespace flowstitch
