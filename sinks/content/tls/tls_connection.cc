#include "sinks/content/tls/tls_connection.h"

#include <algorithm>
#include <utility>

namespace flowstitch {
namespace {

constexpr size_t kHeaderBytes = 5;
constexpr size_t kMaxRecordBytes = (1 << 14) + 2048;
// What was taken is cut off the buffer when it is so much.
constexpr size_t kCutBytes = 64 << 10;

constexpr char kNoKeys[] = "the key log has no keys of this connection";

}  // namespace

TlsConnection::TlsConnection(TlsKeys* keys, TlsFacts* facts, TlsEvents* events)
    : keys_(keys), facts_(facts), events_(events) {}

TlsConnection::~TlsConnection() {
  for (Side& side : sides_) CountWaiting(&side, 0);
}

void TlsConnection::CountWaiting(Side* side, size_t bytes) {
  keys_->AddWaiting(bytes);
  keys_->RemoveWaiting(std::exchange(side->counted_waiting, bytes));
}

void TlsConnection::Stop(Direction direction, std::string why) {
  Side& side = sides_[direction];
  if (side.stopped) return;
  side.stopped = true;
  if (side.why.empty()) side.why = std::move(why);
  CountWaiting(&side, 0);
  side.buffer = {};
  side.start = 0;
  side.messages = {};
}

// Whether there are secrets of this connection.
bool TlsConnection::LookUp() {
  if (!client_) return false;
  const uint64_t generation = keys_->generation();
  if (generation != seen_generation_ || (!secrets_ && closing_)) {
    secrets_ = keys_->Find(client_->random);
    seen_generation_ = generation;
  }
  return secrets_.has_value();
}

void TlsConnection::Bytes(Direction direction, ByteView bytes, TimeNs time_ns) {
  Side& side = sides_[direction];
  if (side.stopped || side.ends_here) return;
  side.buffer.append(AsText(bytes));
  side.time_ns = time_ns;
  ProcessBoth(direction);
  const size_t waiting = side.buffer.size() - side.start;
  CountWaiting(&side, waiting);
  const bool waits = waiting > kMaxRecordBytes + kHeaderBytes;
  if (waiting > kMaxWaitingBytes || (waits && keys_->waiting_is_full())) {
    Stop(direction, "no keys came while its records waited");
  }
}

// Zeros stand in for what is missing, as long as it can be inside of one record.
void TlsConnection::Gap(Direction direction, uint64_t length) {
  Side& side = sides_[direction];
  if (side.stopped || side.ends_here) return;
  if (length > kMaxRecordBytes) {
    side.ends_here = true;
  } else {
    const uint64_t begin = side.position + (side.buffer.size() - side.start);
    side.lost.push_back({begin, begin + length});
    side.buffer.append(static_cast<size_t>(length), '\0');
  }
  ProcessBoth(direction);
}

// One side may have waited for what the other one says.
void TlsConnection::ProcessBoth(Direction direction) {
  for (int turn = 0; turn < 8; ++turn) {
    const uint64_t before = sides_[0].position + sides_[1].position;
    Process(direction);
    Process(Opposite(direction));
    if (sides_[0].position + sides_[1].position == before) break;
  }
}

void TlsConnection::Process(Direction direction) {
  Side& side = sides_[direction];
  while (!side.stopped) {
    const ByteView rest = AsBytes(side.buffer).subspan(side.start);
    if (rest.size() < kHeaderBytes) break;
    const uint8_t type = rest[0];
    const uint16_t version = LoadBe16(rest.data() + 1);
    const size_t length = LoadBe16(rest.data() + 3);
    while (!side.lost.empty() && side.lost.front().end <= side.position) side.lost.pop_front();
    const auto lost_before = [&side](uint64_t end) {
      return !side.lost.empty() && side.lost.front().begin < end;
    };
    if (lost_before(side.position + kHeaderBytes)) {
      Stop(direction, "bytes are missing where a record begins");
      return;
    }
    if (type < kChangeCipherSpec || type > kHeartbeat || version >> 8 != 3 ||
        length > kMaxRecordBytes) {
      Stop(direction, "what follows is no TLS record");
      return;
    }
    if (rest.size() < kHeaderBytes + length) break;
    const Taken taken =
        lost_before(side.position + kHeaderBytes + length)
            ? SkipLost(direction, type, length)
            : TakeRecord(direction, type, version, rest.subspan(kHeaderBytes, length));
    if (taken == Taken::kWaits) return;
    if (taken == Taken::kStops || side.stopped) return;
    side.start += kHeaderBytes + length;
    side.position += kHeaderBytes + length;
    if (side.start == side.buffer.size() || side.start > kCutBytes) {
      side.buffer.erase(0, side.start);
      side.start = 0;
    }
  }
  if (!side.stopped && side.ends_here) Stop(direction, "bytes are missing across records");
}

// A record of which a part is missing: the next one's number is known all the same.
TlsConnection::Taken TlsConnection::SkipLost(Direction direction, uint8_t type, size_t length) {
  Side& side = sides_[direction];
  if (side.phase == Phase::kClear) {
    Stop(direction, "bytes are missing in its handshake");
    return Taken::kStops;
  }
  if (side.cipher == nullptr && !StartPhase(direction, side.phase)) {
    return side.stopped ? Taken::kStops : Taken::kWaits;
  }
  side.cipher->SkipRecord(length);
  side.messages.clear();
  NoteLost(direction, type, length);
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

TlsConnection::Taken TlsConnection::TakeRecord(Direction direction, uint8_t type, uint16_t version,
                                               ByteView body) {
  if (tls13()) return TakeTls13(direction, type, version, body);
  Side& side = sides_[direction];
  if (side.phase != Phase::kClear) return TakeTls12(direction, type, version, body);
  return TakeClear(direction, type, body);
}

void TlsConnection::Close() {
  closing_ = true;
  keys_->Refresh();
  ProcessBoth(client_direction_);
  for (const Direction direction : kDirections) {
    Side& side = sides_[direction];
    const size_t rest = side.buffer.size() - side.start;
    if (side.stopped || rest == 0) continue;
    const bool whole =
        rest >= kHeaderBytes &&
        rest >= kHeaderBytes + LoadBe16(AsBytes(side.buffer).data() + side.start + 3);
    if (!whole) {
      Stop(direction, "it ends inside a record");
    } else if (!server_ || !client_) {
      Stop(direction, "the other side's hello is not there");
    } else {
      Stop(direction, kNoKeys);
    }
  }
}

size_t TlsConnection::memory_bytes() const {
  constexpr size_t kCipherBytes = 2 << 10;  // OpenSSL's context
  size_t bytes = sizeof(*this);
  for (const Side& s : sides_) {
    bytes += s.buffer.capacity() + s.messages.capacity() + s.transcript.capacity() +
             s.lost.size() * sizeof(Lost);
    if (s.cipher != nullptr) bytes += kCipherBytes;
  }
  return bytes;
}

}  // namespace flowstitch
