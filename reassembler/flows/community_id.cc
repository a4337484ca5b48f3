#include "reassembler/flows/community_id.h"

// SHA1() looks the algorithm up each time, which takes five times as long as the digest does, and a
// configuration may refuse it: here it protects nothing.
#define OPENSSL_SUPPRESS_DEPRECATED
#include <openssl/sha.h>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"

namespace flowstitch {

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
  uint8_t digest[SHA_DIGEST_LENGTH];
  SHA_CTX context;
  SHA1_Init(&context);
  SHA1_Update(&context, data, n);
  SHA1_Final(digest, &context);
  return absl::StrCat("1:", absl::Base64Escape(absl::string_view(
                                reinterpret_cast<const char*>(digest), sizeof(digest))));
}

}  // namespace flowstitch
