// What a record means: the handshake in clear, TLS 1.2 (RFC 5246) and TLS 1.3 (RFC 8446) under
// their keys, and the messages that change these.
#include <utility>

#include "sinks/content/tls/tls_connection.h"

namespace flowstitch {
namespace {

constexpr size_t kMessageHeaderBytes = 4;
constexpr char kNoCipher[] = "its cipher is not decrypted here";
constexpr char kBadRecord[] =
    "a record does not decrypt: it is damaged, or the keys are not its own";

}  // namespace

TlsConnection::Taken TlsConnection::TakeClear(Direction direction, uint8_t type, ByteView body) {
  Side& side = sides_[direction];
  switch (type) {
    case kHandshakeRecord:
      TakeMessages(direction, body);
      return side.stopped ? Taken::kStops : Taken::kYes;
    case kChangeCipherSpec:
      // RFC 8446, appendix D.4: behind a retry it means nothing.
      if (!server_ && retried_ && direction != client_direction_) return Taken::kYes;
      // The other side's hello says what begins here.
      if (!server_ || client_hellos_ != server_hellos_) return Taken::kWaits;
      if (server_->version <= kSsl3Version || server_->version > kTls12Version) {
        Stop(direction, TlsVersionName(server_->version) + " is not decrypted here");
        return Taken::kStops;
      }
      return StartTls12(direction) ? Taken::kYes : side.stopped ? Taken::kStops : Taken::kWaits;
    case kApplicationData:
      // 0-RTT, before the server's hello.
      if (!server_) return Taken::kWaits;
      Stop(direction, "its handshake makes no sense");
      return Taken::kStops;
    default:
      return Taken::kYes;  // an alert
  }
}

bool TlsConnection::StartTls12(Direction direction) {
  Side& side = sides_[direction];
  if (server_->compression != 0 || suite_.mode == CipherSuite::Mode::kNone) {
    Stop(direction, kNoCipher);
    return false;
  }
  const std::string master = Master();
  if (master.empty()) return false;
  auto cipher = RecordCipher::FromMasterSecret(suite_, master, *client_, *server_,
                                               direction == client_direction_);
  if (cipher == nullptr) {
    Stop(direction, kNoCipher);
    return false;
  }
  side.cipher = std::move(cipher);
  side.phase = Phase::kApplication;
  side.messages.clear();
  // Both have their keys.
  if (sides_[Opposite(direction)].phase == Phase::kApplication) {
    for (Side& s : sides_) std::string().swap(s.transcript);
  }
  return true;
}

TlsConnection::Taken TlsConnection::TakeTls12(Direction direction, uint8_t type, uint16_t version,
                                              ByteView body) {
  if (type == kChangeCipherSpec) {
    // Another handshake inside of the protection has agreed on new keys.
    if (client_hellos_ != server_hellos_) return Taken::kWaits;
    if (StartTls12(direction)) return Taken::kYes;
    return sides_[direction].stopped ? Taken::kStops : Taken::kWaits;
  }
  RecordCipher& cipher = *sides_[direction].cipher;
  if (!cipher.knows_next()) {  // the one before is lost, and it hangs on it
    cipher.PassOver(body);
    NoteLost(direction, type, body.size());
    return Taken::kYes;
  }
  std::string plain;
  if (!cipher.Decrypt(type, version, body, &plain)) {
    Stop(direction, kBadRecord);
    return Taken::kStops;
  }
  TakeContent(direction, type, AsBytes(plain));
  return sides_[direction].stopped ? Taken::kStops : Taken::kYes;
}

// Makes the cipher of a phase. False when its secret is not there.
bool TlsConnection::StartPhase(Direction direction, Phase phase) {
  Side& side = sides_[direction];
  if (suite_.mode == CipherSuite::Mode::kNone || suite_.mode == CipherSuite::Mode::kCbc) {
    Stop(direction, kNoCipher);
    return false;
  }
  if (!LookUp()) return false;
  const bool of_client = direction == client_direction_;
  const std::string& handshake =
      of_client ? secrets_->client_handshake : secrets_->server_handshake;
  const std::string& traffic = of_client ? secrets_->client_traffic : secrets_->server_traffic;
  // A log may have the traffic's secret only: then the handshake is passed over.
  const bool guess = phase == Phase::kHandshake && handshake.empty();
  const std::string& secret = phase == Phase::kHandshake && !guess ? handshake : traffic;
  if (secret.empty()) return false;
  auto cipher = RecordCipher::FromTrafficSecret(suite_, secret);
  if (cipher == nullptr) {
    Stop(direction, "the key log's secret does not fit its cipher");
    return false;
  }
  side.cipher = std::move(cipher);
  side.secret = secret;
  side.guessing = guess;
  side.phase = phase;
  return true;
}

// A client's record that is no handshake may be 0-RTT data (RFC 8446, 4.2.10).
bool TlsConnection::TryEarly(ByteView body, uint16_t version, std::string* plain) {
  if (early_ == nullptr) {
    if (!LookUp() || secrets_->client_early.empty()) return false;
    early_ = RecordCipher::FromTrafficSecret(suite_, secrets_->client_early);
    if (early_ == nullptr) return false;
  }
  return early_->Decrypt(kApplicationData, version, body, plain);
}

TlsConnection::Taken TlsConnection::TakeTls13(Direction direction, uint8_t type, uint16_t version,
                                              ByteView body) {
  Side& side = sides_[direction];
  if (type != kApplicationData) {
    // Hellos; a ChangeCipherSpec that means nothing; alerts before there are keys.
    if (type == kHandshakeRecord && side.phase == Phase::kClear)
      return TakeClear(direction, type, body);
    return Taken::kYes;
  }
  if (side.cipher == nullptr) {
    const Phase phase = side.phase == Phase::kClear ? Phase::kHandshake : side.phase;
    if (!StartPhase(direction, phase)) return side.stopped ? Taken::kStops : Taken::kWaits;
  }
  std::string plain;
  if (!side.cipher->Decrypt(type, version, body, &plain)) {
    const bool may_be_early = direction == client_direction_ && client_ && client_->early_data &&
                              side.phase == Phase::kHandshake && side.cipher->sequence() == 0;
    if (may_be_early) {
      if (!early_accepted_ && !closing_) return Taken::kWaits;
      // What the server did not take, the client says again.
      if (!early_accepted_.value_or(true)) return Taken::kYes;
      if (!TryEarly(body, version, &plain)) {
        if (early_ == nullptr && !closing_) return Taken::kWaits;
        side.why = "its 0-RTT data has no key";
        return Taken::kYes;
      }
    } else if (side.guessing) {
      return Taken::kYes;
    } else {
      // The handshake's end may be among what is missing.
      const uint64_t skipped = side.cipher->sequence();
      if (side.phase != Phase::kHandshake || skipped == 0 ||
          !StartPhase(direction, Phase::kApplication) ||
          !side.cipher->Decrypt(type, version, body, &plain)) {
        Stop(direction, kBadRecord);
        return Taken::kStops;
      }
    }
  } else if (side.guessing) {
    side.guessing = false;
    side.phase = Phase::kApplication;
  }
  // Content, its type, zeros.
  const size_t end = plain.find_last_not_of('\0');
  if (end == std::string::npos) return Taken::kYes;
  TakeContent(direction, static_cast<uint8_t>(plain[end]), AsBytes(plain).first(end));
  return side.stopped ? Taken::kStops : Taken::kYes;
}

void TlsConnection::TakeContent(Direction direction, uint8_t type, ByteView content) {
  Side& side = sides_[direction];
  if (type == kHandshakeRecord) {
    TakeMessages(direction, content);
  } else if (type == kApplicationData && !content.empty()) {
    const uint64_t offset = side.plain_offset;
    side.plain_offset += content.size();
    events_->OnPlain(direction, offset, content, side.time_ns);
  }
}

void TlsConnection::TakeMessages(Direction direction, ByteView content) {
  Side& side = sides_[direction];
  side.messages.append(AsText(content));
  size_t at = 0;
  while (!side.stopped && side.messages.size() - at >= kMessageHeaderBytes) {
    const ByteView rest = AsBytes(side.messages).subspan(at);
    const size_t length = static_cast<size_t>(rest[1]) << 16 | LoadBe16(rest.data() + 2);
    if (length > kMaxMessageBytes) {
      Stop(direction, "a message of its handshake is too large");
      return;
    }
    if (rest.size() < kMessageHeaderBytes + length) break;
    at += kMessageHeaderBytes + length;
    NoteTranscript(direction, rest[0], rest.first(kMessageHeaderBytes + length));
    OnMessage(direction, rest[0], rest.subspan(kMessageHeaderBytes, length));
  }
  if (!side.stopped) side.messages.erase(0, at);
}

void TlsConnection::OnMessage(Direction direction, uint8_t type, ByteView body) {
  Side& side = sides_[direction];
  switch (type) {
    case kClientHello: {
      ClientHello hello;
      if (!ReadClientHello(body, &hello, facts_)) break;
      client_direction_ = direction;
      if (client_ && client_->random != hello.random) secrets_.reset();
      // Behind a retry there is no early data any more, but what was sent stays in the stream.
      hello.early_data = hello.early_data || (client_ && client_->early_data && retried_);
      client_ = hello;
      master_.clear();
      key_exchange_.clear();
      ticket_.clear();
      tried_generation_ = tried_sessions_ = UINT64_MAX;
      ++client_hellos_;
      seen_generation_ = UINT64_MAX;
      break;
    }
    case kServerHello: {
      ServerHello hello;
      if (!ReadServerHello(body, &hello, facts_)) break;
      // TLS 1.3 has one handshake, and TLS 1.2 renegotiates keys, never the version (RFC 8446,
      // 4.1.2): the phases of both sides depend on it.
      if (server_ && (tls13() || hello.version != server_->version)) {
        Stop(direction, "a second hello of its server makes no sense");
        break;
      }
      client_direction_ = Opposite(direction);
      if (hello.retry) {
        retried_ = true;
        early_accepted_ = false;
        break;
      }
      server_ = hello;
      ++server_hellos_;
      suite_ = FindCipherSuite(hello.cipher);
      if (tls13()) side.phase = Phase::kHandshake;
      break;
    }
    case kClientKeyExchange:
      if (!tls13()) key_exchange_ = AsText(body);
      break;
    case kNewSessionTicket:
      if (!tls13()) TakeTicket(body);
      break;
    case kEncryptedExtensions:
      if (tls13() && direction != client_direction_) {
        early_accepted_ = ReadEncryptedExtensions(body, facts_);
      }
      break;
    case kCertificate:
      if (direction != client_direction_) ReadCertificates(body, tls13(), facts_);
      break;
    case kFinished:
      if (!tls13() || side.phase != Phase::kHandshake) break;
      if (direction != client_direction_ && !early_accepted_) early_accepted_ = false;
      side.phase = Phase::kApplication;
      side.cipher = nullptr;
      break;
    case kKeyUpdate:
      if (!tls13() || side.phase != Phase::kApplication) break;
      side.secret = NextTrafficSecret(suite_, side.secret);
      side.cipher = RecordCipher::FromTrafficSecret(suite_, side.secret);
      if (side.cipher == nullptr) Stop(direction, kNoCipher);
      break;
    default:
      break;
  }
}

}  // namespace flowstitch
