// What the messages of a TLS handshake mean for the records of its connection.
#ifndef FLOWSTITCH_SINKS_CONTENT_TLS_TLS_HANDSHAKE_H_
#define FLOWSTITCH_SINKS_CONTENT_TLS_TLS_HANDSHAKE_H_

#include <optional>

#include "base/direction.h"
#include "sinks/content/tls/cipher_suites.h"
#include "sinks/content/tls/connection_secrets.h"
#include "sinks/content/tls/handshake_messages.h"
#include "sinks/content/tls/message_buffer.h"
#include "sinks/content/tls/tls_facts.h"

namespace flowstitch {

class TlsHandshake {
 public:
  // `facts` and `secrets` outlive it.
  TlsHandshake(TlsFacts* facts, ConnectionSecrets* secrets) : facts_(facts), secrets_(secrets) {}

  // What follows a message in its direction.
  enum class Effect {
    kNone,
    kServerHello,  // of TLS 1.3: handshake keys
    kFinished,     // of TLS 1.3: application keys, if it was not there before
    kKeyUpdate,    // of TLS 1.3
    kNonsense,     // nothing can follow
  };
  Effect OnMessage(Direction direction, const TlsMessage& message);

  const std::optional<ClientHello>& client() const { return client_; }
  const std::optional<ServerHello>& server() const { return server_; }
  Direction client_direction() const { return client_direction_; }
  const CipherSuite& suite() const { return suite_; }
  bool tls13() const { return server_ && server_->version == kTls13Version; }
  // Whether each hello of the client has its answer.
  bool agreed() const { return client_hellos_ == server_hellos_; }
  // Whether the server asked for another hello.
  bool retried() const { return retried_; }
  // Whether the server takes 0-RTT data; absent: not known so far.
  const std::optional<bool>& early_accepted() const { return early_accepted_; }
  // The server's Finished was seen, and nothing said that it does.
  void NoEarlyData() { early_accepted_ = early_accepted_.value_or(false); }

 private:
  void OnClientHello(Direction direction, ByteView body);
  Effect OnServerHello(Direction direction, ByteView body);

  TlsFacts* const facts_;
  ConnectionSecrets* const secrets_;
  Direction client_direction_ = kClientToServer;
  std::optional<ClientHello> client_;
  std::optional<ServerHello> server_;
  uint64_t client_hellos_ = 0;
  uint64_t server_hellos_ = 0;
  CipherSuite suite_;
  std::optional<bool> early_accepted_;
  bool retried_ = false;
};

}  // namespace flowstitch

#endif  // FLOWSTITCH_SINKS_CONTENT_TLS_TLS_HANDSHAKE_H_
