#include "sinks/content/tls/tls_connection.h"

#include <utility>

namespace flowstitch {
namespace {

constexpr char kNoKeys[] = "the key log has no keys of this connection";
constexpr char kNoCipher[] = "its cipher is not decrypted here";
constexpr char kBadRecord[] =
    "a record does not decrypt: it is damaged, or the keys are not its own";

}  // namespace

TlsConnection::TlsConnection(TlsKeys* keys, TlsFacts* facts, TlsEvents* events)
    : keys_(keys), events_(events), secrets_(keys), handshake_(facts, &secrets_) {}

TlsConnection::~TlsConnection() {
  for (Side& side : sides_) CountWaiting(&side, 0);
}

void TlsConnection::CountWaiting(Side* side, size_t bytes) {
  keys_->AddWaiting(bytes);
  keys_->RemoveWaiting(std::exchange(side->counted_waiting, bytes));
}

TlsConnection::Taken TlsConnection::Stop(Direction direction, std::string why) {
  Side& side = sides_[direction];
  if (side.stopped) return Taken::kStops;
  side.stopped = true;
  if (side.why.empty()) side.why = std::move(why);
  CountWaiting(&side, 0);
  side.records.Clear();
  side.messages.Clear();
  return Taken::kStops;
}

void TlsConnection::Bytes(Direction direction, ByteView bytes, TimeNs time_ns) {
  Side& side = sides_[direction];
  if (side.stopped || side.ends_here) return;
  side.records.Append(bytes);
  side.time_ns = time_ns;
  ProcessBoth(direction);
  const size_t waiting = side.records.waiting();
  CountWaiting(&side, waiting);
  const bool waits = waiting > RecordBuffer::kMaxRecordBytes + RecordBuffer::kHeaderBytes;
  if (waiting > kMaxWaitingBytes || (waits && keys_->waiting_is_full())) {
    Stop(direction, "no keys came while its records waited");
  }
}

void TlsConnection::Gap(Direction direction, uint64_t length) {
  Side& side = sides_[direction];
  if (side.stopped || side.ends_here) return;
  side.ends_here = !side.records.AppendLost(length);
  ProcessBoth(direction);
}

// One side may have waited for what the other one says.
void TlsConnection::ProcessBoth(Direction direction) {
  const auto position = [this] {
    return sides_[0].records.position() + sides_[1].records.position();
  };
  for (int turn = 0; turn < 8; ++turn) {
    const uint64_t before = position();
    Process(direction);
    Process(Opposite(direction));
    if (position() == before) break;
  }
}

void TlsConnection::Process(Direction direction) {
  Side& side = sides_[direction];
  while (!side.stopped) {
    TlsRecord record;
    const RecordBuffer::Next next = side.records.Peek(&record);
    if (next == RecordBuffer::Next::kMore) break;
    if (next == RecordBuffer::Next::kLost) {
      Stop(direction, "bytes are missing where a record begins");
    } else if (next == RecordBuffer::Next::kNotTls) {
      Stop(direction, "what follows is no TLS record");
    } else {
      const Taken taken = record.lost ? SkipLost(direction, record) : TakeRecord(direction, record);
      if (taken != Taken::kYes || side.stopped) return;
      side.records.Take(record);
    }
  }
  if (!side.stopped && side.ends_here) Stop(direction, "bytes are missing across records");
}

// A record of which a part is missing: the next one's number is known all the same.
TlsConnection::Taken TlsConnection::SkipLost(Direction direction, const TlsRecord& record) {
  Side& side = sides_[direction];
  if (side.phase == Phase::kClear) return Stop(direction, "bytes are missing in its handshake");
  if (side.cipher == nullptr && !StartPhase(direction, side.phase)) {
    return WithoutCipher(direction);
  }
  side.cipher->SkipRecord(record.body.size());
  side.messages.Clear();
  NoteLost(direction, record.type, record.body.size());
  return Taken::kYes;
}

// The content of a record of so many bytes is not there.
void TlsConnection::NoteLost(Direction direction, uint8_t type, size_t length) {
  Side& side = sides_[direction];
  const size_t overhead = side.cipher->overhead();
  if (type != kApplicationData || side.phase != Phase::kApplication || length <= overhead) return;
  const uint64_t content = length - overhead;
  side.plain_offset += content;
  events_->OnPlainGap(direction, content);
}

TlsConnection::Taken TlsConnection::TakeRecord(Direction direction, const TlsRecord& record) {
  if (handshake_.tls13()) return TakeTls13(direction, record);
  if (sides_[direction].phase != Phase::kClear) return TakeTls12(direction, record);
  return TakeClear(direction, record);
}

TlsConnection::Taken TlsConnection::TakeClear(Direction direction, const TlsRecord& record) {
  const auto& server = handshake_.server();
  switch (record.type) {
    case kHandshakeRecord:
      return TakeContent(direction, record.type, record.body);
    case kChangeCipherSpec:
      // RFC 8446, appendix D.4: behind a retry it means nothing.
      if (!server && handshake_.retried() && direction != handshake_.client_direction()) {
        return Taken::kYes;
      }
      // The other side's hello says what begins here.
      if (!server || !handshake_.agreed()) return Taken::kWaits;
      if (server->version <= kSsl3Version || server->version > kTls12Version) {
        return Stop(direction, TlsVersionName(server->version) + " is not decrypted here");
      }
      return StartTls12(direction) ? Taken::kYes : WithoutCipher(direction);
    case kApplicationData:
      // 0-RTT, before the server's hello.
      return server ? Stop(direction, "its handshake makes no sense") : Taken::kWaits;
    default:
      return Taken::kYes;  // an alert
  }
}

bool TlsConnection::StartTls12(Direction direction) {
  Side& side = sides_[direction];
  const CipherSuite& suite = handshake_.suite();
  if (handshake_.server()->compression != 0 || suite.mode == CipherSuite::Mode::kNone) {
    Stop(direction, kNoCipher);
    return false;
  }
  const std::string master = secrets_.Master();
  if (master.empty()) return false;
  auto cipher =
      RecordCipher::FromMasterSecret(suite, master, *handshake_.client(), *handshake_.server(),
                                     direction == handshake_.client_direction());
  if (cipher == nullptr) {
    Stop(direction, kNoCipher);
    return false;
  }
  side.cipher = std::move(cipher);
  side.phase = Phase::kApplication;
  side.messages.Clear();
  // Both have their keys.
  if (sides_[Opposite(direction)].phase == Phase::kApplication) secrets_.ForgetTranscripts();
  return true;
}

TlsConnection::Taken TlsConnection::TakeTls12(Direction direction, const TlsRecord& record) {
  if (record.type == kChangeCipherSpec) {
    // Another handshake inside of the protection has agreed on new keys.
    if (!handshake_.agreed()) return Taken::kWaits;
    return StartTls12(direction) ? Taken::kYes : WithoutCipher(direction);
  }
  RecordCipher& cipher = *sides_[direction].cipher;
  if (!cipher.knows_next()) {  // the one before is lost, and it hangs on it
    cipher.PassOver(record.body);
    NoteLost(direction, record.type, record.body.size());
    return Taken::kYes;
  }
  std::string plain;
  if (!cipher.Decrypt(record.type, record.version, record.body, &plain)) {
    return Stop(direction, kBadRecord);
  }
  return TakeContent(direction, record.type, AsBytes(plain));
}

// Makes the cipher of a phase of TLS 1.3. False when its secret is not there.
bool TlsConnection::StartPhase(Direction direction, Phase phase) {
  Side& side = sides_[direction];
  const CipherSuite& suite = handshake_.suite();
  if (suite.mode == CipherSuite::Mode::kNone || suite.mode == CipherSuite::Mode::kCbc) {
    Stop(direction, kNoCipher);
    return false;
  }
  const TlsSecrets* const logged = secrets_.Logged();
  if (logged == nullptr) return false;
  const bool of_client = direction == handshake_.client_direction();
  const std::string& handshake = of_client ? logged->client_handshake : logged->server_handshake;
  const std::string& traffic = of_client ? logged->client_traffic : logged->server_traffic;
  // A log may have the traffic's secret only: then the handshake is passed over.
  const bool guess = phase == Phase::kHandshake && handshake.empty();
  const std::string& secret = phase == Phase::kHandshake && !guess ? handshake : traffic;
  if (secret.empty()) return false;
  auto cipher = RecordCipher::FromTrafficSecret(suite, secret);
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

TlsConnection::Taken TlsConnection::TakeTls13(Direction direction, const TlsRecord& record) {
  Side& side = sides_[direction];
  if (record.type != kApplicationData) {
    // Hellos; a ChangeCipherSpec that means nothing; alerts before there are keys.
    const bool hello = record.type == kHandshakeRecord && side.phase == Phase::kClear;
    return hello ? TakeClear(direction, record) : Taken::kYes;
  }
  if (side.cipher == nullptr) {
    const Phase phase = side.phase == Phase::kClear ? Phase::kHandshake : side.phase;
    if (!StartPhase(direction, phase)) return WithoutCipher(direction);
  }
  std::string plain;
  if (!side.cipher->Decrypt(record.type, record.version, record.body, &plain)) {
    const Taken taken = TakeUndecrypted(direction, record, &plain);
    if (taken != Taken::kYes || plain.empty()) return taken;
  } else if (side.guessing) {
    side.guessing = false;
    side.phase = Phase::kApplication;
  }
  // Content, its type, zeros.
  const size_t end = plain.find_last_not_of('\0');
  if (end == std::string::npos) return Taken::kYes;
  return TakeContent(direction, static_cast<uint8_t>(plain[end]), AsBytes(plain).first(end));
}

// A record that is not under the keys of its side's phase. `plain` stays empty where it is passed
// over.
TlsConnection::Taken TlsConnection::TakeUndecrypted(Direction direction, const TlsRecord& record,
                                                    std::string* plain) {
  Side& side = sides_[direction];
  plain->clear();
  const auto& client = handshake_.client();
  const bool handshake = side.phase == Phase::kHandshake;
  if (direction == handshake_.client_direction() && client && client->early_data && handshake &&
      side.cipher->sequence() == 0) {
    return TakeEarly(direction, record, plain);
  }
  if (side.guessing) return Taken::kYes;
  // The handshake's end may be among what is missing.
  const bool skipped = side.cipher->sequence() > 0;
  if (handshake && skipped && StartPhase(direction, Phase::kApplication) &&
      side.cipher->Decrypt(record.type, record.version, record.body, plain)) {
    return Taken::kYes;
  }
  return Stop(direction, kBadRecord);
}

// A client's record that is no handshake may be 0-RTT data (RFC 8446, 4.2.10).
TlsConnection::Taken TlsConnection::TakeEarly(Direction direction, const TlsRecord& record,
                                              std::string* plain) {
  const auto& accepted = handshake_.early_accepted();
  if (!accepted && !closing_) return Taken::kWaits;
  // What the server did not take, the client says again.
  if (!accepted.value_or(true)) return Taken::kYes;
  const TlsSecrets* const logged = early_ == nullptr ? secrets_.Logged() : nullptr;
  if (logged != nullptr && !logged->client_early.empty()) {
    early_ = RecordCipher::FromTrafficSecret(handshake_.suite(), logged->client_early);
  }
  if (early_ == nullptr && !closing_) return Taken::kWaits;
  if (early_ != nullptr && early_->Decrypt(kApplicationData, record.version, record.body, plain)) {
    return Taken::kYes;
  }
  plain->clear();
  sides_[direction].why = "its 0-RTT data has no key";
  return Taken::kYes;
}

TlsConnection::Taken TlsConnection::TakeContent(Direction direction, uint8_t type,
                                                ByteView content) {
  Side& side = sides_[direction];
  if (type == kHandshakeRecord) {
    const bool fits = side.messages.Feed(content, [&](const TlsMessage& message) {
      return Follow(direction, handshake_.OnMessage(direction, message));
    });
    if (!fits) Stop(direction, "a message of its handshake is too large");
  } else if (type == kApplicationData && !content.empty()) {
    const uint64_t offset = side.plain_offset;
    side.plain_offset += content.size();
    events_->OnPlain(direction, offset, content, side.time_ns);
  }
  return side.stopped ? Taken::kStops : Taken::kYes;
}

// False when the side stops there.
bool TlsConnection::Follow(Direction direction, TlsHandshake::Effect effect) {
  Side& side = sides_[direction];
  switch (effect) {
    case TlsHandshake::Effect::kNone:
      break;
    case TlsHandshake::Effect::kServerHello:
      side.phase = Phase::kHandshake;
      break;
    case TlsHandshake::Effect::kFinished:
      if (side.phase != Phase::kHandshake) break;
      if (direction != handshake_.client_direction()) handshake_.NoEarlyData();
      side.phase = Phase::kApplication;
      side.cipher = nullptr;
      break;
    case TlsHandshake::Effect::kKeyUpdate:
      if (side.phase != Phase::kApplication) break;
      side.secret = NextTrafficSecret(handshake_.suite(), side.secret);
      side.cipher = RecordCipher::FromTrafficSecret(handshake_.suite(), side.secret);
      if (side.cipher == nullptr) Stop(direction, kNoCipher);
      break;
    case TlsHandshake::Effect::kNonsense:
      Stop(direction, "a second hello of its server makes no sense");
      break;
  }
  return !side.stopped;
}

void TlsConnection::Close() {
  closing_ = true;
  secrets_.OnClosing();
  keys_->Refresh();
  ProcessBoth(handshake_.client_direction());
  for (const Direction direction : kDirections) {
    Side& side = sides_[direction];
    if (side.stopped || side.records.waiting() == 0) continue;
    TlsRecord record;
    if (side.records.Peek(&record) == RecordBuffer::Next::kMore) {
      Stop(direction, "it ends inside a record");
    } else if (!handshake_.server() || !handshake_.client()) {
      Stop(direction, "the other side's hello is not there");
    } else {
      Stop(direction, kNoKeys);
    }
  }
}

size_t TlsConnection::memory_bytes() const {
  constexpr size_t kCipherBytes = 2 << 10;  // OpenSSL's context
  size_t bytes = sizeof(*this) + secrets_.memory_bytes();
  for (const Side& s : sides_) {
    bytes += s.records.memory_bytes() + s.messages.memory_bytes();
    if (s.cipher != nullptr) bytes += kCipherBytes;
  }
  return bytes;
}

}  // namespace flowstitch
