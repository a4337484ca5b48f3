// The master secret where the log does not have it: from the premaster secret, which the log has or
// the server's private key opens, or of the session that a connection goes on with.
#include <utility>

#include "sinks/content/tls/byte_reader.h"
#include "sinks/content/tls/key_derivation.h"
#include "sinks/content/tls/tls_connection.h"

namespace flowstitch {

// RFC 7627, 3: what the extended master secret is bound to.
void TlsConnection::NoteTranscript(Direction direction, uint8_t type, ByteView message) {
  constexpr uint8_t kHelloRequest = 0;
  Side& side = sides_[direction];
  if (tls13() || type == kHelloRequest) return;
  if (type == kClientHello || type == kServerHello) {  // a handshake begins
    side.transcript.clear();
    side.transcript_done = false;
  }
  if (side.transcript_done) return;
  if (side.transcript.size() + message.size() > kMaxMessageBytes) side.transcript_done = true;
  side.transcript.append(AsText(message));
  if (type == kClientKeyExchange || type == kServerHelloDone) side.transcript_done = true;
}

// RFC 5077, 3.3.
void TlsConnection::TakeTicket(ByteView body) {
  ByteReader reader(body);
  reader.Number(4);  // how long it is good for
  const ByteReader ticket = reader.Vector(2);
  if (!reader.ok() || !ticket_.empty()) return;  // one a handshake
  ticket_ = AsText(ticket.rest());
  if (!master_.empty()) keys_->RememberSession(ticket_, master_);
}

std::string TlsConnection::PreMaster() {
  if (secrets_ && !secrets_->pre_master.empty()) return secrets_->pre_master;
  ByteReader reader(AsBytes(key_exchange_));
  const ByteReader encrypted = reader.Vector(2);
  if (!reader.ok() || !reader.empty()) return "";
  return keys_->FindPreMaster(encrypted.rest(), client_->version);
}

// Empty: there is none so far.
std::string TlsConnection::Master() {
  if (LookUp() && !secrets_->master.empty()) return secrets_->master;
  if (!master_.empty()) return master_;
  // Once for each state of the log: a private key takes its time.
  const bool again = tried_generation_ != keys_->generation() || closing_;
  if (key_exchange_.empty()) {
    // The connection that the session is of may be another worker's, and behind this one.
    const uint64_t sessions = keys_->session_generation();
    if (tried_sessions_ == sessions && !closing_) return "";
    tried_sessions_ = sessions;
    master_ = keys_->FindSession(client_->ticket);
    if (master_.empty()) master_ = keys_->FindSession(server_->session_id);
  } else if (again && sides_[Opposite(client_direction_)].transcript_done) {
    tried_generation_ = keys_->generation();
    const std::string pre_master = PreMaster();
    if (pre_master.empty()) return "";
    const auto* const hash = PrfHash(server_->version, suite_.hash);
    if (server_->extended_master_secret) {
      // The client's hello, the server's messages, the client's others.
      const std::string& client = sides_[client_direction_].transcript;
      ByteReader reader(AsBytes(client));
      reader.Number(1);
      reader.Vector(3);
      const size_t hello = client.size() - reader.rest().size();
      const std::string& server = sides_[Opposite(client_direction_)].transcript;
      master_ = ExtendedMasterSecret(hash, pre_master,
                                     client.substr(0, hello) + server + client.substr(hello));
    } else {
      std::string randoms(client_->random.begin(), client_->random.end());
      randoms.append(server_->random.begin(), server_->random.end());
      master_ = MasterSecret(hash, pre_master, randoms);
    }
  }
  if (!master_.empty()) {
    keys_->RememberSession(server_->session_id, master_);
    keys_->RememberSession(ticket_, master_);
  }
  return master_;
}

}  // namespace flowstitch
