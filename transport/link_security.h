// What protects a process's sockets: keys on every tcp endpoint, an allow-list of peers where it
// binds. Without keys nothing but loopback, ipc and inproc is used, unless it is said to be
// insecure.
#ifndef FLOWSTITCH_TRANSPORT_LINK_SECURITY_H_
#define FLOWSTITCH_TRANSPORT_LINK_SECURITY_H_

#include <memory>
#include <optional>
#include <string>
#include <vector>
#include <zmq.hpp>

#include "absl/status/statusor.h"
#include "base/option_table.h"
#include "transport/endpoint.h"
#include "transport/key_guard.h"
#include "transport/link_keys.h"

namespace flowstitch {

struct SecurityOptions {
  std::string key;        // path of our secret key; empty: no keys
  std::string allow;      // directory of the public keys that may connect to what we bind
  std::string peer_key;   // path of the public key of those that we connect to
  bool insecure = false;  // tcp beyond loopback without keys
};

// --key, --allow, --peer-key, --insecure.
void AddSecurityOptions(OptionTable* table, SecurityOptions* options);

// Which of them belong together.
absl::Status CheckSecurity(const SecurityOptions& options);

class LinkSecurity {
 public:
  // Nothing is protected, and nothing but loopback may be used.
  LinkSecurity() = default;
  // Reads the keys.
  static absl::StatusOr<std::unique_ptr<LinkSecurity>> Open(const SecurityOptions& options);
  // The guard works in `context` from here on, in a thread: before any socket is protected.
  absl::Status Start(zmq::context_t& context);
  // Nothing is protected with our secret key any more: it is wiped.
  void Forget();

  // Sets what a socket needs before it binds or connects to `endpoint`, where peers must act as
  // `peer_role`. An error when the endpoint may not be used as things are.
  absl::Status Protect(const SocketEndpoint& endpoint, std::string_view peer_role,
                       zmq::socket_t* socket) const;
  // Null where nothing was opened.
  KeyGuard* guard() const { return guard_.get(); }
  uint64_t refused_connections() const { return guard_ ? guard_->refused() : 0; }

 private:
  SecurityOptions options_;
  std::optional<LinkKey> key_;
  std::optional<LinkKey> peer_key_;
  KeyDirectory allowed_{""};
  std::shared_ptr<const AllowedKeys> first_allowed_;  // as they were when it was opened
  std::unique_ptr<KeyGuard> guard_;
};

// What a process calls itself on its links where nothing else is said: as its key does, for a key
// is for its name only; without a key, `otherwise`.
std::string DefaultName(const SecurityOptions& options, std::string otherwise);

// Whether an endpoint can be reached from other machines.
bool LeavesMachine(const SocketEndpoint& endpoint);

}  // namespace flowstitch

#endif  // FLOWSTITCH_TRANSPORT_LINK_SECURITY_H_
