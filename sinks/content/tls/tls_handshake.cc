#include "sinks/content/tls/tls_handshake.h"

namespace flowstitch {

void TlsHandshake::OnClientHello(Direction direction, ByteView body) {
  ClientHello hello;
  if (!ReadClientHello(body, &hello, facts_)) return;
  client_direction_ = direction;
  secrets_->SetClient(direction);
  // Behind a retry there is no early data any more, but what was sent stays in the stream.
  hello.early_data = hello.early_data || (client_ && client_->early_data && retried_);
  client_ = hello;
  ++client_hellos_;
  secrets_->OnClientHello(hello);
}

TlsHandshake::Effect TlsHandshake::OnServerHello(Direction direction, ByteView body) {
  ServerHello hello;
  if (!ReadServerHello(body, &hello, facts_)) return Effect::kNone;
  // TLS 1.3 has one handshake, and TLS 1.2 renegotiates keys, never the version (RFC 8446, 4.1.2):
  // the phases of both sides depend on it.
  if (server_ && (tls13() || hello.version != server_->version)) return Effect::kNonsense;
  client_direction_ = Opposite(direction);
  secrets_->SetClient(client_direction_);
  if (hello.retry) {
    retried_ = true;
    early_accepted_ = false;
    return Effect::kNone;
  }
  server_ = hello;
  ++server_hellos_;
  suite_ = FindCipherSuite(hello.cipher);
  secrets_->OnServerHello(hello, suite_);
  return tls13() ? Effect::kServerHello : Effect::kNone;
}

TlsHandshake::Effect TlsHandshake::OnMessage(Direction direction, const TlsMessage& message) {
  const bool of_client = direction == client_direction_;
  if (!tls13()) secrets_->NoteTranscript(direction, message.type, message.whole);
  switch (message.type) {
    case kClientHello:
      OnClientHello(direction, message.body);
      return Effect::kNone;
    case kServerHello:
      return OnServerHello(direction, message.body);
    case kClientKeyExchange:
      if (!tls13()) secrets_->OnKeyExchange(message.body);
      return Effect::kNone;
    case kNewSessionTicket:
      if (!tls13()) secrets_->OnTicket(message.body);
      return Effect::kNone;
    case kEncryptedExtensions:
      if (tls13() && !of_client) early_accepted_ = ReadEncryptedExtensions(message.body, facts_);
      return Effect::kNone;
    case kCertificate:
      if (!of_client) ReadCertificates(message.body, tls13(), facts_);
      return Effect::kNone;
    case kFinished:
      return tls13() ? Effect::kFinished : Effect::kNone;
    case kKeyUpdate:
      return tls13() ? Effect::kKeyUpdate : Effect::kNone;
    default:
      return Effect::kNone;
  }
}

}  // namespace flowstitch
