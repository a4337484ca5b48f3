#include "sinks/content/tls/connection_secrets.h"

#include <utility>

#include "sinks/content/tls/byte_reader.h"
#include "sinks/content/tls/key_derivation.h"
#include "sinks/content/tls/message_buffer.h"

namespace flowstitch {

void ConnectionSecrets::OnClientHello(const ClientHello& hello) {
  if (client_ && client_->random != hello.random) logged_.reset();
  client_ = hello;
  master_.clear();
  key_exchange_.clear();
  ticket_.clear();
  tried_generation_ = tried_sessions_ = seen_generation_ = UINT64_MAX;
}

void ConnectionSecrets::OnServerHello(const ServerHello& hello, const CipherSuite& suite) {
  server_ = hello;
  suite_ = suite;
}

void ConnectionSecrets::OnTicket(ByteView body) {
  ByteReader reader(body);
  reader.Number(4);  // how long it is good for
  const ByteReader ticket = reader.Vector(2);
  if (!reader.ok() || !ticket_.empty()) return;  // one a handshake
  ticket_ = AsText(ticket.rest());
  if (!master_.empty()) keys_->RememberSession(ticket_, master_);
}

void ConnectionSecrets::NoteTranscript(Direction direction, uint8_t type, ByteView message) {
  constexpr uint8_t kHelloRequest = 0;
  if (type == kHelloRequest) return;
  Transcript& transcript = transcripts_[direction];
  if (type == kClientHello || type == kServerHello) transcript = {};  // a handshake begins
  if (transcript.done) return;
  if (transcript.text.size() + message.size() > MessageBuffer::kMaxMessageBytes) {
    transcript.done = true;
  }
  transcript.text.append(AsText(message));
  if (type == kClientKeyExchange || type == kServerHelloDone) transcript.done = true;
}

void ConnectionSecrets::ForgetTranscripts() {
  for (Transcript& transcript : transcripts_) std::string().swap(transcript.text);
}

const TlsSecrets* ConnectionSecrets::Logged() {
  if (!client_) return nullptr;
  const uint64_t generation = keys_->generation();
  if (generation != seen_generation_ || (!logged_ && closing_)) {
    logged_ = keys_->Find(client_->random);
    seen_generation_ = generation;
  }
  return logged_ ? &*logged_ : nullptr;
}

std::string ConnectionSecrets::PreMaster() const {
  if (logged_ && !logged_->pre_master.empty()) return logged_->pre_master;
  ByteReader reader(AsBytes(key_exchange_));
  const ByteReader encrypted = reader.Vector(2);
  if (!reader.ok() || !reader.empty()) return "";
  return keys_->FindPreMaster(encrypted.rest(), client_->version);
}

// The connection that the session is of may be another worker's, and behind this one.
std::string ConnectionSecrets::FromSession() {
  const uint64_t sessions = keys_->session_generation();
  if (tried_sessions_ == sessions && !closing_) return "";
  tried_sessions_ = sessions;
  std::string master = keys_->FindSession(client_->ticket);
  return master.empty() ? keys_->FindSession(server_->session_id) : master;
}

// Once for each state of the log: a private key takes its time.
std::string ConnectionSecrets::FromPreMaster() {
  if (tried_generation_ == keys_->generation() && !closing_) return "";
  const std::string& client = transcripts_[client_direction_].text;
  const Transcript& server = transcripts_[Opposite(client_direction_)];
  if (!server.done) return "";
  tried_generation_ = keys_->generation();
  const std::string pre_master = PreMaster();
  if (pre_master.empty()) return "";
  const auto* const hash = PrfHash(server_->version, suite_.hash);
  if (!server_->extended_master_secret) {
    std::string randoms(client_->random.begin(), client_->random.end());
    randoms.append(server_->random.begin(), server_->random.end());
    return MasterSecret(hash, pre_master, randoms);
  }
  // The client's hello, the server's messages, the client's others.
  ByteReader reader(AsBytes(client));
  reader.Number(1);
  reader.Vector(3);
  const size_t hello = client.size() - reader.rest().size();
  return ExtendedMasterSecret(hash, pre_master,
                              client.substr(0, hello) + server.text + client.substr(hello));
}

std::string ConnectionSecrets::Master() {
  if (const TlsSecrets* logged = Logged(); logged != nullptr && !logged->master.empty()) {
    return logged->master;
  }
  if (!master_.empty()) return master_;
  master_ = key_exchange_.empty() ? FromSession() : FromPreMaster();
  if (!master_.empty()) {
    keys_->RememberSession(server_->session_id, master_);
    keys_->RememberSession(ticket_, master_);
  }
  return master_;
}

}  // namespace flowstitch
