// Who may connect: a ZAP handler (https://rfc.zeromq.org/spec/27/) that compares the CURVE key of
// whoever connects with a directory of public keys, which is read again when it changes. A socket's
// ZAP domain is the role that its peers must have.
#ifndef FLOWSTITCH_TRANSPORT_KEY_GUARD_H_
#define FLOWSTITCH_TRANSPORT_KEY_GUARD_H_

#include <atomic>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <zmq.hpp>

#include "absl/status/statusor.h"
#include "transport/link_keys.h"
#include "transport/log_limit.h"

namespace flowstitch {

// The public keys of a directory's *.key files, and what each may act as.
class AllowedKeys {
 public:
  explicit AllowedKeys(std::string directory) : directory_(std::move(directory)) {}

  // Reads the directory again if it or one of its files has changed. Files that are no key are
  // named in the log, once, and left out. An error when the directory cannot be read; then what was
  // known stays.
  absl::Status Refresh();

  // Nothing when the key is not known or may not act as `role`; then `why` says which.
  const LinkKey* Find(const std::string& public_key, std::string_view role, std::string* why) const;
  size_t size() const { return by_public_key_.size(); }

 private:
  const std::string directory_;
  std::string fingerprint_;  // of names, sizes and times of all files
  std::map<std::string, LinkKey> by_public_key_;
};

class KeyGuard {
 public:
  // One for each ZeroMQ context; to be opened before any socket that it guards.
  static absl::StatusOr<std::unique_ptr<KeyGuard>> Open(zmq::context_t& context,
                                                        const std::string& directory);
  ~KeyGuard();
  KeyGuard(const KeyGuard&) = delete;
  KeyGuard& operator=(const KeyGuard&) = delete;

  // Whether a key that was let in may still act as `role`: the directory may have changed since.
  // Looks at the disk at most once a second.
  bool StillAllowed(const std::string& public_key, std::string_view role);

  uint64_t refused() const { return refused_; }
  uint64_t accepted() const { return accepted_; }

 private:
  KeyGuard(zmq::socket_t socket, std::string directory);
  void Run();
  void Answer();
  void RefreshWhenDue();
  void LogRefusal(const std::string& address, const std::string& why);

  zmq::socket_t socket_;
  std::mutex mutex_;  // of the keys
  AllowedKeys keys_;
  int64_t refreshed_ns_ = 0;
  std::atomic<uint64_t> refused_{0};
  std::atomic<uint64_t> accepted_{0};
  LogLimit refusals_;
  std::atomic<bool> stop_{false};
  std::thread thread_;
};

}  // namespace flowstitch

#endif  // FLOWSTITCH_TRANSPORT_KEY_GUARD_H_
