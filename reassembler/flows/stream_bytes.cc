#include "reassembler/flows/stream_bytes.h"

#include <algorithm>

namespace flowstitch {

void StreamBytes::Start(const StreamContext& c, Position origin) {
  out_.Start(c, origin);
  c.ledger.before_start_bytes += waiting_.DropBefore(c, origin);
  Drain(c);
}

void StreamBytes::Drain(const StreamContext& c) {
  while (!waiting_.empty() && waiting_.first() == out_.next() &&
         waiting_.TruncatedAt(out_.next()) == nullptr) {
    const auto [at, chunk] = waiting_.TakeFirst(c);
    out_.Deliver(c, {chunk.bytes.get(), chunk.length}, chunk.carrier);
  }
}

// Puts bytes behind a hole; returns how many of them were new.
size_t StreamBytes::Store(const StreamContext& c, Position at, ByteView bytes,
                          const Carrier& carrier) {
  return waiting_.Insert(c, at, bytes, carrier,
                         [&](Position where, ByteView kept, ByteView dropped) {
                           out_.OnSeen(c, where, kept, dropped, carrier.time_ns);
                         });
}

// Bytes inside the stream and the window; returns how many of them were new.
size_t StreamBytes::Take(const StreamContext& c, Position at, ByteView bytes,
                         const Carrier& carrier) {
  if (!out_.started()) return Store(c, at, bytes, carrier);
  if (at < out_.next()) {
    const size_t seen = std::min<size_t>(bytes.size(), out_.next() - at);
    out_.CompareDelivered(c, at, bytes.first(seen), carrier.time_ns);
    bytes = bytes.subspan(seen);
    at += seen;
  }
  if (bytes.empty()) return 0;
  if (at != out_.next()) return Store(c, at, bytes, carrier);
  if (waiting_.empty() || waiting_.first() >= at + bytes.size()) {
    out_.Deliver(c, bytes, carrier);
    Drain(c);
    return bytes.size();
  }
  const size_t added = Store(c, at, bytes, carrier);
  Drain(c);
  return added;
}

// What was cut off is a hole like any other: a later copy, or another sensor's, may fill it.
void StreamBytes::TakeTruncated(const StreamContext& c, Position at, uint32_t length) {
  if (out_.started() && at < out_.next()) {
    if (out_.next() - at >= length) return;
    length -= static_cast<uint32_t>(out_.next() - at);
    at = out_.next();
  }
  // Where nobody captures more, its grace is over as soon as the peer has it.
  const int64_t grace_ns = c.may_be_filled ? 0 : c.limits.acknowledged_grace_ns;
  waiting_.InsertTruncated(c, at, length, AddNs(c.now_ns, -grace_ns));
}

Position StreamBytes::HoleEnd(Position fin) const {
  const PendingBytes::Chunk* const cut = waiting_.TruncatedAt(out_.next());
  if (cut != nullptr) return out_.next() + cut->length;
  return waiting_.empty() ? fin : waiting_.first();
}

// The first hole becomes a gap; of what was cut off, that is the reason whatever ended its wait.
void StreamBytes::GiveUpHole(const StreamContext& c, Position fin, GapReason reason) {
  const Position end = HoleEnd(fin);
  if (waiting_.TruncatedAt(out_.next()) != nullptr) {
    waiting_.TakeFirst(c);
    reason = GapReason::kTruncated;
  }
  out_.EmitGap(c, end - out_.next(), reason);
  Drain(c);
}

}  // namespace flowstitch
