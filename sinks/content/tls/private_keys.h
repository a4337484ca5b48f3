// Private keys of servers, from PEM files: they open the premaster secret where the key exchange is
// RSA's (RFC 5246, 7.4.7.1).
#ifndef FLOWSTITCH_SINKS_CONTENT_TLS_PRIVATE_KEYS_H_
#define FLOWSTITCH_SINKS_CONTENT_TLS_PRIVATE_KEYS_H_

#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "base/bytes.h"

struct evp_pkey_st;

namespace flowstitch {

class PrivateKeys {
 public:
  PrivateKeys();
  ~PrivateKeys();
  PrivateKeys(const PrivateKeys&) = delete;
  PrivateKeys& operator=(const PrivateKeys&) = delete;

  // The error says what the file has instead, or that a passphrase protects it.
  absl::Status Add(const std::string& path);
  bool empty() const { return keys_.empty(); }
  // The premaster secret of a client that offered this version; empty: none of the keys opens it.
  // Thread-safe once all keys are there.
  std::string Decrypt(ByteView encrypted, uint16_t client_version) const;

 private:
  std::vector<evp_pkey_st*> keys_;
};

}  // namespace flowstitch

#endif  // FLOWSTITCH_SINKS_CONTENT_TLS_PRIVATE_KEYS_H_
