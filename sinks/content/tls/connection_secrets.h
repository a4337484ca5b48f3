// The secrets of a TLS connection: the log's, and where the log has no master secret, that of the
// premaster secret, which the log has or the server's private key opens, or of the session that the
// connection goes on with.
#ifndef FLOWSTITCH_SINKS_CONTENT_TLS_CONNECTION_SECRETS_H_
#define FLOWSTITCH_SINKS_CONTENT_TLS_CONNECTION_SECRETS_H_

#include <optional>
#include <string>

#include "base/bytes.h"
#include "base/direction.h"
#include "sinks/content/tls/cipher_suites.h"
#include "sinks/content/tls/handshake_messages.h"
#include "sinks/content/tls/tls_keys.h"

namespace flowstitch {

class ConnectionSecrets {
 public:
  // `keys` outlive it.
  explicit ConnectionSecrets(TlsKeys* keys) : keys_(keys) {}

  // Which of the ends is the client; until then, the one that opened the flow.
  void SetClient(Direction client) { client_direction_ = client; }
  // A client's hello begins a handshake.
  void OnClientHello(const ClientHello& hello);
  void OnServerHello(const ServerHello& hello, const CipherSuite& suite);
  void OnKeyExchange(ByteView body) { key_exchange_ = AsText(body); }
  // A session ticket (RFC 5077, 3.3).
  void OnTicket(ByteView body);
  // Each message, up to the client's key exchange and the server's done: what the extended master
  // secret is bound to (RFC 7627, 3).
  void NoteTranscript(Direction direction, uint8_t type, ByteView message);
  void ForgetTranscripts();
  // Nothing more comes: everything is looked for once more.
  void OnClosing() { closing_ = true; }

  // What the log has of this connection; null: nothing so far.
  const TlsSecrets* Logged();
  // Of TLS 1.2 and before. Empty: there is none so far.
  std::string Master();

  size_t memory_bytes() const {
    return transcripts_[0].text.capacity() + transcripts_[1].text.capacity();
  }

 private:
  struct Transcript {
    std::string text;
    bool done = false;
  };
  std::string PreMaster() const;
  std::string FromSession();
  std::string FromPreMaster();

  TlsKeys* const keys_;
  std::optional<ClientHello> client_;
  std::optional<ServerHello> server_;
  CipherSuite suite_;
  std::optional<TlsSecrets> logged_;
  std::string master_;        // found by other means than the log's own line
  std::string key_exchange_;  // the client's
  std::string ticket_;        // of this session
  Direction client_direction_ = kClientToServer;
  Transcript transcripts_[2];
  uint64_t tried_generation_ = UINT64_MAX;  // of the log
  uint64_t tried_sessions_ = UINT64_MAX;    // of the sessions
  uint64_t seen_generation_ = 0;
  bool closing_ = false;
};

}  // namespace flowstitch

#endif  // FLOWSTITCH_SINKS_CONTENT_TLS_CONNECTION_SECRETS_H_
