// From the secrets of a TLS connection to its keys: up to TLS 1.2 the pseudorandom function (RFC
// 5246, 5; RFC 2246, 5) and the master secret (RFC 5246, 8.1; RFC 7627), in TLS 1.3 HKDF.
#ifndef FLOWSTITCH_SINKS_CONTENT_TLS_KEY_DERIVATION_H_
#define FLOWSTITCH_SINKS_CONTENT_TLS_KEY_DERIVATION_H_

#include <string>
#include <string_view>

struct evp_md_st;

namespace flowstitch {

inline constexpr size_t kMasterSecretBytes = 48;

// What the function takes at a version: the suite's hash, or MD5 and SHA-1 before TLS 1.2.
const evp_md_st* PrfHash(uint16_t version, const evp_md_st* of_suite);

// Empty when it cannot be.
std::string TlsPrf(const evp_md_st* hash, const std::string& secret, std::string_view label,
                   std::string_view seed, size_t bytes);

// `randoms`: the client's, then the server's.
std::string MasterSecret(const evp_md_st* hash, const std::string& pre_master,
                         std::string_view randoms);
// RFC 7627: `messages`: of the handshake, up to the client's key exchange.
std::string ExtendedMasterSecret(const evp_md_st* hash, const std::string& pre_master,
                                 std::string_view messages);

// RFC 8446, 7.1, without context.
std::string ExpandLabel(const evp_md_st* hash, const std::string& secret, const std::string& label,
                        size_t size);

}  // namespace flowstitch

#endif  // FLOWSTITCH_SINKS_CONTENT_TLS_KEY_DERIVATION_H_
