// Secrets of TLS connections, as the ends log them: SSLKEYLOGFILE's format
// (draft-ietf-tls-keylogfile; NSS), a line a secret: LABEL CLIENT_RANDOM SECRET, in hexadecimal, or
// RSA, the first 8 bytes of the encrypted premaster secret, and that. From a file that may still
// grow (also in UTF-16, as some shells write it), and from capture files that carry them. And
// servers' private keys.
#ifndef FLOWSTITCH_SINKS_CONTENT_TLS_TLS_KEYS_H_
#define FLOWSTITCH_SINKS_CONTENT_TLS_TLS_KEYS_H_

#include <sys/types.h>

#include <atomic>
#include <deque>
#include <optional>
#include <string>
#include <string_view>

#include "absl/container/flat_hash_map.h"
#include "absl/status/status.h"
#include "base/mutex.h"
#include "sinks/content/tls/handshake_messages.h"
#include "sinks/content/tls/private_keys.h"

namespace flowstitch {

// Of one connection; empty where the log does not have it.
struct TlsSecrets {
  std::string master;            // CLIENT_RANDOM: up to TLS 1.2
  std::string pre_master;        // PMS_CLIENT_RANDOM: likewise
  std::string client_early;      // CLIENT_EARLY_TRAFFIC_SECRET
  std::string client_handshake;  // CLIENT_HANDSHAKE_TRAFFIC_SECRET
  std::string server_handshake;  // SERVER_HANDSHAKE_TRAFFIC_SECRET
  std::string client_traffic;    // CLIENT_TRAFFIC_SECRET_0
  std::string server_traffic;    // SERVER_TRAFFIC_SECRET_0
};

// All calls are thread-safe.
class TlsKeys {
 public:
  // Connections whose secrets are kept; beyond, the oldest go.
  static constexpr size_t kMaxConnections = 1'000'000;
  static constexpr size_t kMaxLineBytes = 1024;
  // Records of all connections that wait for their keys.
  static constexpr size_t kMaxWaitingBytes = size_t{256} << 20;

  ~TlsKeys();

  // A file to read secrets from, now and whenever Refresh is called. It may not be there yet; an
  // error says that it is there and cannot be read.
  absl::Status Open(const std::string& path);
  // A server's private key, from a PEM file.
  absl::Status AddPrivateKey(const std::string& path);
  // Takes what was added to the file.
  void Refresh();
  // Takes the lines of a text.
  void Add(std::string_view text);

  // Whether there are secrets, or a file that may bring some.
  bool active() const { return active_.load(std::memory_order_acquire); }
  std::optional<TlsSecrets> Find(const TlsRandom& client_random) const;
  // What a client encrypted as its premaster secret (RFC 5246, 7.4.7.1), having offered this
  // version; empty: neither the log nor a private key opens it.
  std::string FindPreMaster(ByteView encrypted, uint16_t client_version) const;
  // Sessions that a later connection may go on with, by their ids or tickets, and their master
  // secrets.
  void RememberSession(const std::string& name, const std::string& master);
  std::string FindSession(const std::string& name) const;
  // Changes whenever a session comes.
  uint64_t session_generation() const {
    return session_generation_.load(std::memory_order_acquire);
  }
  // Changes whenever secrets come.
  uint64_t generation() const { return generation_.load(std::memory_order_acquire); }
  uint64_t bad_lines() const { return bad_lines_.load(std::memory_order_relaxed); }
  // What is wrong with the file, for people: that it is none, which lines of it fit. Empty:
  // nothing.
  std::string Complaint() const;
  size_t connections() const;

  // Counts records that wait for keys.
  void AddWaiting(size_t bytes) { waiting_.fetch_add(bytes, std::memory_order_relaxed); }
  void RemoveWaiting(size_t bytes) { waiting_.fetch_sub(bytes, std::memory_order_relaxed); }
  bool waiting_is_full() const {
    return waiting_.load(std::memory_order_relaxed) > kMaxWaitingBytes;
  }

 private:
  void TakeLine(std::string_view line) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  bool TakeRsa(std::string_view begin, const std::string& secret)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void NoteKey() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  // False where the line is no key, nor anything else that a log may have.
  bool TakeKey(std::string_view line) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void NoteStart(std::string_view block) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void TakeText(std::string_view text, std::string* partial) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  absl::Status Reopen() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  mutable Mutex mutex_;
  PrivateKeys private_keys_;
  absl::flat_hash_map<std::string, std::string> rsa_
      ABSL_GUARDED_BY(mutex_);  // by what the encrypted secret begins with
  absl::flat_hash_map<std::string, std::string> sessions_
      ABSL_GUARDED_BY(mutex_);                                     // by their names' digests
  std::deque<std::string> session_order_ ABSL_GUARDED_BY(mutex_);  // of arrival
  std::deque<std::string> rsa_order_ ABSL_GUARDED_BY(mutex_);
  std::atomic<uint64_t> session_generation_{0};
  absl::flat_hash_map<std::string, TlsSecrets> secrets_;
  std::deque<std::string> order_;  // of arrival
  std::string path_;
  int fd_ = -1;
  off_t offset_ = 0;
  ino_t inode_ = 0;
  std::string partial_;  // the file's last line, without its end
  bool utf16_ = false;
  const char* other_ = "";  // what the file is, where it is no key log
  uint64_t lines_ = 0;      // of the file
  uint64_t keys_ = 0;       // among them
  uint64_t others_ = 0;     // lines of kinds that are not read
  uint64_t first_bad_ = 0;  // the number of that line; 0: none is
  std::atomic<bool> active_{false};
  std::atomic<uint64_t> generation_{0};
  std::atomic<uint64_t> bad_lines_{0};
  std::atomic<size_t> waiting_{0};
};

}  // namespace flowstitch

#endif  // FLOWSTITCH_SINKS_CONTENT_TLS_TLS_KEYS_H_
