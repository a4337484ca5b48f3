#include "reassembler/community_id.h"

#include <openssl/evp.h>

#include <memory>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"

namespace flowstitch {

namespace {

constexpr size_t kSha1Bytes = 20;

// SHA1() of OpenSSL 3 looks the algorithm up each time, which takes five times as long as it does.
void Sha1(ByteView bytes, uint8_t (&digest)[kSha1Bytes]) {
  static const EVP_MD* const kSha1 = EVP_MD_fetch(nullptr, "SHA1", nullptr);
  thread_local const std::unique_ptr<EVP_MD_CTX, void (*)(EVP_MD_CTX*)> context(EVP_MD_CTX_new(),
                                                                                EVP_MD_CTX_free);
  EVP_DigestInit_ex2(context.get(), kSha1, nullptr);
  EVP_DigestUpdate(context.get(), bytes.data(), bytes.size());
  EVP_DigestFinal_ex(context.get(), digest, nullptr);
}

}  // namespace

std::string CommunityId(const FlowKey& key, uint8_t protocol, uint16_t seed) {
  // Seed, lower address, higher address, protocol, a zero, lower port, higher port; "lower" is the
  // endpoint that sorts first by address and then by port, as in FlowKey.
  uint8_t data[2 + 16 + 16 + 2 + 4];
  size_t n = 0;
  StoreBe16(data, seed);
  n += 2;
  for (const Endpoint* endpoint : {&key.low, &key.high}) {
    const ByteView address = endpoint->address.wire();
    std::memcpy(data + n, address.data(), address.size());
    n += address.size();
  }
  data[n++] = protocol;
  data[n++] = 0;
  StoreBe16(data + n, key.low.port);
  StoreBe16(data + n + 2, key.high.port);
  n += 4;
  uint8_t digest[kSha1Bytes];
  Sha1({data, n}, digest);
  return absl::StrCat("1:", absl::Base64Escape(absl::string_view(
                                reinterpret_cast<const char*>(digest), sizeof(digest))));
}

}  // namespace flowstitch
