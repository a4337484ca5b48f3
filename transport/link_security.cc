#include "transport/link_security.h"

#include <openssl/crypto.h>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/strip.h"

namespace flowstitch {
namespace {

// A stranger that does not get through its handshake in this time is dropped.
constexpr int kHandshakeMs = 5000;
constexpr int kBacklog = 1024;

bool IsTcp(const SocketEndpoint& endpoint) { return absl::StartsWith(endpoint.address, "tcp://"); }
bool IsInProcess(const SocketEndpoint& endpoint) {
  return absl::StartsWith(endpoint.address, "inproc://");
}

// As 32 bytes: of text, ZeroMQ makes copies that it does not wipe.
void GiveSecret(const LinkKey& key, zmq::socket_t* socket) {
  uint8_t bytes[32];
  zmq_z85_decode(bytes, key.secret_key.c_str());
  zmq_setsockopt(socket->handle(), ZMQ_CURVE_SECRETKEY, bytes, sizeof(bytes));
  OPENSSL_cleanse(bytes, sizeof(bytes));
}

}  // namespace

bool LeavesMachine(const SocketEndpoint& endpoint) {
  absl::string_view rest = endpoint.address;
  if (!absl::ConsumePrefix(&rest, "tcp://")) return false;
  // A connection may name its own address too: tcp://SOURCE;HOST:PORT.
  if (const size_t at = rest.find(';'); at != absl::string_view::npos) rest.remove_prefix(at + 1);
  absl::string_view host = rest.substr(0, rest.rfind(':'));
  if (absl::ConsumePrefix(&host, "[")) absl::ConsumeSuffix(&host, "]");
  absl::ConsumePrefix(&host, "::ffff:");  // IPv4 over an IPv6 socket
  if (host == "localhost" || host == "::1" || host == "lo") return false;
  // 127.0.0.0/8, in digits: a name that begins with 127. is no address.
  return !(absl::StartsWith(host, "127.") &&
           host.find_first_not_of("0123456789.") == absl::string_view::npos);
}

void AddSecurityOptions(OptionTable* table, SecurityOptions* options) {
  table->Add({"--key", "FILE",
              "This process's secret key (flowstitch-keygen makes it): every tcp endpoint is "
              "encrypted and both ends are known by their keys.",
              TextOption{&options->key}, kHostsGroup});
  table->Add({"--allow", "DIR",
              "Public keys (*.key) of those that may connect to the endpoints bound here, each in "
              "its role and under its name only. Read again when it changes.",
              TextOption{&options->allow}, kHostsGroup});
  table->Add({"--peer-key", "FILE",
              "Public key of the process at the other end of the endpoints connected to.",
              TextOption{&options->peer_key}, kHostsGroup});
  table->Add({"--insecure", "", "Use tcp endpoints that other machines can reach without keys.",
              FlagOption{&options->insecure}, kHostsGroup});
}

absl::Status CheckSecurity(const SecurityOptions& options) {
  if (options.key.empty() && (!options.allow.empty() || !options.peer_key.empty())) {
    return absl::InvalidArgumentError("--allow and --peer-key need a --key");
  }
  return absl::OkStatus();
}

std::string DefaultName(const SecurityOptions& options, std::string otherwise) {
  if (options.key.empty()) return otherwise;
  // A key that cannot be read is an error in a moment.
  const auto key = ReadPublicKey(options.key);
  return key.ok() && !key->name.empty() ? key->name : otherwise;
}

absl::StatusOr<std::unique_ptr<LinkSecurity>> LinkSecurity::Open(const SecurityOptions& options) {
  auto security = std::make_unique<LinkSecurity>();
  security->options_ = options;
  if (const absl::Status status = CheckSecurity(options); !status.ok()) return status;
  security->allowed_ = KeyDirectory(options.allow);
  security->first_allowed_ = std::make_shared<AllowedKeys>();
  if (!options.allow.empty()) {
    auto keys = security->allowed_.ReadIfChanged();
    if (!keys.ok()) return keys.status();
    security->first_allowed_ = *std::move(keys);
  }
  if (options.key.empty()) return security;
  auto key = ReadSecretKey(options.key);
  if (!key.ok()) return key.status();
  security->key_ = *std::move(key);
  if (!options.peer_key.empty()) {
    auto peer = ReadPublicKey(options.peer_key);
    if (!peer.ok()) return peer.status();
    security->peer_key_ = *std::move(peer);
  }
  return security;
}

absl::Status LinkSecurity::Start(zmq::context_t& context) {
  auto guard = KeyGuard::Open(context, std::move(allowed_), std::move(first_allowed_));
  if (!guard.ok()) return guard.status();
  guard_ = *std::move(guard);
  return absl::OkStatus();
}

void LinkSecurity::Forget() {
  if (key_) Wipe(&key_->secret_key);
}

absl::Status LinkSecurity::Protect(const SocketEndpoint& endpoint, std::string_view peer_role,
                                   zmq::socket_t* socket) const {
  // Every endpoint of a socket has options of its own: they are those at its bind or connect.
  socket->set(zmq::sockopt::curve_server, false);
  zmq_setsockopt(socket->handle(), ZMQ_ZAP_DOMAIN, nullptr, 0);
  if (!IsInProcess(endpoint) && guard_ != nullptr) {
    socket->set(zmq::sockopt::zap_domain, KeyGuard::kOpenDomain);
  }
  if (!IsTcp(endpoint)) return absl::OkStatus();
  socket->set(zmq::sockopt::handshake_ivl, kHandshakeMs);
  socket->set(zmq::sockopt::backlog, kBacklog);
  if (!key_) {
    if (!LeavesMachine(endpoint) || options_.insecure) return absl::OkStatus();
    return absl::FailedPreconditionError(absl::StrFormat(
        "'%s' can be reached from other machines: give --key (flowstitch-keygen makes keys), or "
        "--insecure to do without",
        endpoint.address));
  }
  if (endpoint.bind) {
    if (options_.allow.empty()) {
      return absl::FailedPreconditionError(
          absl::StrFormat("'%s' is bound with a key: say with --allow DIR whose keys may connect",
                          endpoint.address));
    }
    socket->set(zmq::sockopt::curve_server, true);
    GiveSecret(*key_, socket);
    socket->set(zmq::sockopt::zap_domain, std::string(peer_role));
    return absl::OkStatus();
  }
  if (!peer_key_) {
    return absl::FailedPreconditionError(absl::StrFormat(
        "'%s' is connected to with a key: give the other end's with --peer-key FILE",
        endpoint.address));
  }
  if (!peer_key_->MayActAs(peer_role)) {
    return absl::FailedPreconditionError(absl::StrFormat(
        "the key of '%s' (--peer-key) may not act as %s", peer_key_->name, std::string(peer_role)));
  }
  socket->set(zmq::sockopt::curve_serverkey, peer_key_->public_key);
  socket->set(zmq::sockopt::curve_publickey, key_->public_key);
  GiveSecret(*key_, socket);
  return absl::OkStatus();
}

}  // namespace flowstitch
