// Who may connect: a ZAP handler (https://rfc.zeromq.org/spec/27/) that compares the CURVE key of
// whoever connects with a directory of public keys, which is read again when it changes. A socket's
// ZAP domain is the role that its peers must have.
#ifndef FLOWSTITCH_TRANSPORT_KEY_GUARD_H_
#define FLOWSTITCH_TRANSPORT_KEY_GUARD_H_

#include <atomic>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <zmq.hpp>

#include "absl/status/statusor.h"
#include "base/mutex.h"
#include "transport/link_keys.h"
#include "transport/log_limit.h"

namespace flowstitch {

// The public keys of a directory's *.key files, as they were when it was read.
class AllowedKeys {
 public:
  // Nothing when the key is not known or may not act as `role`; then `why` says which.
  const LinkKey* Find(const std::string& public_key, std::string_view role, std::string* why) const;
  bool MayBeCalled(const std::string& public_key, const std::string& name) const;
  size_t size() const { return by_public_key_.size(); }

 private:
  friend class KeyDirectory;
  std::map<std::string, LinkKey> by_public_key_;
};

// A directory of keys, read again when it or one of its files has changed.
class KeyDirectory {
 public:
  explicit KeyDirectory(std::string path) : path_(std::move(path)) {}

  // The keys, when something has changed since the last call; null when nothing has. Files that are
  // no key are named in the log, once, and left out. An error when the directory cannot be read.
  absl::StatusOr<std::shared_ptr<const AllowedKeys>> ReadIfChanged();
  const std::string& path() const { return path_; }

 private:
  std::string path_;
  // Of names, sizes, times and numbers of all files; nothing before it is read.
  std::optional<std::string> fingerprint_;
};

class KeyGuard {
 public:
  // The ZAP domain of endpoints without keys.
  static constexpr char kOpenDomain[] = "open";

  // One for each ZeroMQ context; to be opened before any socket that it guards. `keys` are those of
  // the directory so far. Where it has no path, there are none but these, and whoever comes to
  // endpoints without keys is let in.
  static absl::StatusOr<std::unique_ptr<KeyGuard>> Open(zmq::context_t& context,
                                                        KeyDirectory directory,
                                                        std::shared_ptr<const AllowedKeys> keys);
  ~KeyGuard();
  KeyGuard(const KeyGuard&) = delete;
  KeyGuard& operator=(const KeyGuard&) = delete;

  // Whether a key that was let in may still act as `role`: the directory may have changed since, a
  // second ago at most. Never looks at the disk.
  bool StillAllowed(const std::string& public_key, std::string_view role);
  // Whether the process with that key may say this name.
  bool MayBeCalled(const std::string& public_key, const std::string& name);

  uint64_t refused() const { return refused_; }
  uint64_t accepted() const { return accepted_; }

 private:
  KeyGuard(zmq::socket_t socket, KeyDirectory directory, std::shared_ptr<const AllowedKeys> keys)
      : socket_(std::move(socket)), directory_(std::move(directory)), keys_(std::move(keys)) {}
  void Run();
  void Answer();
  void RefreshWhenDue();
  std::shared_ptr<const AllowedKeys> keys();
  void LogRefusal(const std::string& address, const std::string& why);

  zmq::socket_t socket_;
  KeyDirectory directory_;  // the thread's alone, once it runs
  int64_t refreshed_ns_ = 0;
  Mutex mutex_;
  std::shared_ptr<const AllowedKeys> keys_ ABSL_GUARDED_BY(mutex_);  // exchanged as a whole
  std::atomic<uint64_t> refused_{0};
  std::atomic<uint64_t> accepted_{0};
  LogLimit refusals_;
  std::atomic<bool> stop_{false};
  std::thread thread_;
};

}  // namespace flowstitch

#endif  // FLOWSTITCH_TRANSPORT_KEY_GUARD_H_
