// A stream's data: where each byte goes, what it repeats, what it contradicts.
#include <algorithm>

#include "reassembler/flows/tcp_stream.h"

namespace flowstitch {
namespace {

// Bytes of each copy that a conflict shows.
constexpr size_t kConflictSampleBytes = 32;
// Conflicts kept until the stream's first byte, and so their offsets, are known.
constexpr size_t kMaxHeldConflicts = 16;

}  // namespace

void TcpStream::Deliver(const StreamContext& c, ByteView bytes, const Carrier& carrier) {
  BytesInfo told{carrier.time_ns, std::nullopt};
  if (carrier.acknowledgement)
    told.acknowledged = c.peer.OffsetOf(c.limits, *carrier.acknowledgement);
  c.events.OnBytes(c.flow, c.direction, next_ - origin_, bytes, told);
  c.delivered.Append(&delivered_mark_, next_, bytes);
  next_ += bytes.size();
  summary_.bytes += bytes.size();
  c.ledger.delivered_bytes += bytes.size();
  c.ledger.stream_bytes += bytes.size();
}

void TcpStream::NotePending(const StreamContext& c, size_t memory_before, size_t payload_before) {
  c.all_waiting_bytes += pending_.memory_bytes() - memory_before;
  c.ledger.waiting_bytes += pending_.payload_bytes() - payload_before;
}

void TcpStream::DrainPending(const StreamContext& c) {
  if (pending_.empty()) return;
  const size_t memory = pending_.memory_bytes();
  const size_t payload = pending_.payload_bytes();
  while (!pending_.empty() && pending_.first() == next_ && pending_.TruncatedAt(next_) == nullptr) {
    const auto [at, chunk] = pending_.TakeFirst();
    Deliver(c, {chunk.bytes.get(), chunk.length}, chunk.carrier);
  }
  NotePending(c, memory, payload);
}

void TcpStream::Report(const StreamContext& c, const HeldConflict& conflict) {
  ++c.ledger.conflicts;
  c.events.OnConflict(c.flow, c.direction,
                      {conflict.at - origin_, conflict.length, conflict.kept, conflict.dropped},
                      conflict.time_ns);
}

void TcpStream::OnSeen(const StreamContext& c, Position at, ByteView kept, ByteView dropped,
                       TimeNs time_ns) {
  const auto [k, d] = std::mismatch(kept.begin(), kept.end(), dropped.begin());
  if (k == kept.end()) return;
  const auto first = static_cast<size_t>(k - kept.begin());
  uint64_t differing = 0;
  for (size_t i = first; i < kept.size(); ++i) differing += kept[i] != dropped[i];
  c.ledger.conflicting_bytes += differing;
  summary_.conflicting_bytes += differing;
  const size_t sample = std::min(kConflictSampleBytes, kept.size() - first);
  const HeldConflict conflict{at + first,
                              differing,
                              {k, k + static_cast<long>(sample)},
                              {d, d + static_cast<long>(sample)},
                              time_ns};
  if (start_ == Start::kRunning) {
    Report(c, conflict);
    return;
  }
  if (rare().held_conflicts.size() < kMaxHeldConflicts) rare_->held_conflicts.push_back(conflict);
}

// Bytes that were delivered already cannot be undone; that others come is told all the same.
void TcpStream::CompareDelivered(const StreamContext& c, Position at, ByteView bytes,
                                 TimeNs time_ns) {
  c.delivered.Find(delivered_mark_, at, bytes.size(), [&](Position where, ByteView kept) {
    OnSeen(c, where, kept, bytes.subspan(where - at, kept.size()), time_ns);
  });
}

// Puts bytes behind a hole; returns how many of them were new.
size_t TcpStream::Store(const StreamContext& c, Position at, ByteView bytes,
                        const Carrier& carrier) {
  const size_t memory = pending_.memory_bytes();
  const size_t payload = pending_.payload_bytes();
  const size_t added = pending_.Insert(at, bytes, carrier, c.limits.overlap,
                                       [&](Position where, ByteView kept, ByteView dropped) {
                                         OnSeen(c, where, kept, dropped, carrier.time_ns);
                                       });
  NotePending(c, memory, payload);
  return added;
}

// Bytes inside the stream and the window; returns how many of them were new.
size_t TcpStream::Take(const StreamContext& c, Position at, ByteView bytes,
                       const Carrier& carrier) {
  if (start_ == Start::kHolding) return Store(c, at, bytes, carrier);
  if (at < next_) {
    const size_t seen = std::min<size_t>(bytes.size(), next_ - at);
    CompareDelivered(c, at, bytes.first(seen), carrier.time_ns);
    bytes = bytes.subspan(seen);
    at += seen;
  }
  if (bytes.empty()) return 0;
  if (at != next_) return Store(c, at, bytes, carrier);
  if (pending_.empty() || pending_.first() >= at + bytes.size()) {
    Deliver(c, bytes, carrier);
    DrainPending(c);
    return bytes.size();
  }
  const size_t added = Store(c, at, bytes, carrier);
  DrainPending(c);
  return added;
}

// What was cut off is a hole like any other: a later copy, or another sensor's, may fill it.
void TcpStream::TakeTruncated(const StreamContext& c, Position at, uint32_t length) {
  if (start_ == Start::kRunning && at < next_) {
    if (next_ - at >= length) return;
    length -= static_cast<uint32_t>(next_ - at);
    at = next_;
  }
  const size_t memory = pending_.memory_bytes();
  // Where nobody captures more, its grace is over as soon as the peer has it.
  const int64_t grace_ns = c.may_be_filled ? 0 : c.limits.acknowledged_grace_ns;
  pending_.InsertTruncated(at, length, AddNs(c.now_ns, -grace_ns));
  NotePending(c, memory, pending_.payload_bytes());
}

uint64_t TcpStream::BytesInGaps(Position at, uint64_t length) const {
  if (rare_ == nullptr) return 0;
  uint64_t bytes = 0;
  for (const Extent& gap : rare_->gaps) {
    const Position from = std::max(at, gap.start);
    const Position to = std::min(at + length, gap.end);
    if (from < to) bytes += to - from;
  }
  return bytes;
}

// A sender asks a receiver whose window is closed with one byte, which the receiver may refuse and
// which may differ from what is sent there later (RFC 9293, 3.8.6.1). True when the payload was
// such a byte and is dealt with.
bool TcpStream::HoldProbe(const StreamContext& c, Position at, ByteView payload, uint32_t truncated,
                          const Carrier& carrier) {
  if (holds_probe()) {
    Probe& probe = *rare_->probe;
    if (at == probe.at && payload.size() == 1 && truncated == 0 && window_closed()) {
      c.ledger.retransmitted_bytes += 1;
      summary_.retransmitted_bytes += 1;
      return true;
    }
    // Data at its place: it was a question. Data right behind it: it was sent for good.
    if (at <= probe.at && at + payload.size() > probe.at) {
      SettleProbe(c, false, &ReassemblyLedger::unconfirmed_bytes);
    } else if (at > probe.at) {
      SettleProbe(c, true, nullptr);
    }
    return false;
  }
  const bool probe = window_closed() && payload.size() == 1 && truncated == 0 &&
                     start_ == Start::kRunning && at == next_ && pending_.empty() &&
                     acknowledged_ == next_;
  if (!probe) return false;
  rare().probe = Probe{at, payload[0], carrier};
  c.ledger.waiting_bytes += 1;
  c.all_waiting_bytes += 1;
  return true;
}

void TcpStream::SettleProbe(const StreamContext& c, bool accepted,
                            uint64_t ReassemblyLedger::*otherwise) {
  const Probe probe = *rare_->probe;
  rare_->probe.reset();
  c.ledger.waiting_bytes -= 1;
  c.all_waiting_bytes -= 1;
  if (!accepted) {
    c.ledger.*otherwise += 1;
    return;
  }
  if (Take(c, probe.at, {&probe.byte, 1}, probe.carrier) == 0) c.ledger.retransmitted_bytes += 1;
  highest_ = std::max(highest_, probe.at + 1);
}

void TcpStream::OnData(const StreamContext& c, uint32_t sequence, ByteView payload,
                       uint32_t truncated, const Carrier& carrier) {
  if (payload.empty() && truncated == 0) return;
  if (!space_.anchored()) space_.Anchor(sequence);
  if (start_ == Start::kUnknown) {
    start_ = Start::kHolding;
    hole_since_ns_ = c.now_ns;
    highest_ = space_.PositionOf(sequence);
  }
  if (rare_ != nullptr && rare_->rival_isn) SettleRival(sequence);
  Position at = space_.PositionOf(sequence);
  if (at > Reach(c.limits) || at + c.limits.window_slack_bytes < highest_) {
    c.ledger.out_of_window_bytes += payload.size();
    return;
  }
  if (holds_syn() && at >= origin_ + rare_->held_syn.size()) AcceptHeldSyn(c);
  if (at + payload.size() + truncated > Reach(c.limits)) {
    truncated =
        static_cast<uint32_t>(std::max(Reach(c.limits), at + payload.size()) - at - payload.size());
  }
  // It goes on: nobody who resets a connection does.
  if (reset_ && at >= reset_at_) reset_ = false;
  summary_.truncated_bytes += truncated;
  c.ledger.truncated_bytes += truncated;
  if (start_ == Start::kRunning && at < origin_) {
    const size_t cut = std::min<size_t>(payload.size(), origin_ - at);
    c.ledger.before_start_bytes += cut;
    payload = payload.subspan(cut);
    at += cut;
    if (payload.empty()) return;
  }
  if (fin_ != 0 && at + payload.size() + truncated > fin_) {
    const size_t keep = at < fin_ ? std::min<size_t>(payload.size(), fin_ - at) : 0;
    c.ledger.after_fin_bytes += payload.size() - keep;
    payload = payload.first(keep);
    truncated = static_cast<uint32_t>(
        at + keep < fin_ ? std::min<uint64_t>(truncated, fin_ - at - keep) : 0);
  }
  const bool may_ask = !c.rest_of_segment && (window_closed() || holds_probe());
  if (may_ask && HoldProbe(c, at, payload, truncated, carrier)) return;
  const Position end = at + payload.size() + truncated;
  const bool late = end <= highest_;
  // A keep-alive's byte has any content (RFC 9293, 3.8.4): it never takes a place.
  const bool keep_alive =
      !c.rest_of_segment && payload.size() == 1 && truncated == 0 && end == highest_;
  const uint64_t in_gaps = at < next_ ? BytesInGaps(at, std::min(payload.size(), next_ - at)) : 0;
  const size_t added = keep_alive ? 0 : Take(c, at, payload, carrier);
  const size_t seen = payload.size() - added - in_gaps;
  c.ledger.late_bytes += in_gaps;
  summary_.late_bytes += in_gaps;
  if (added == 0) {
    c.ledger.retransmitted_bytes += seen;
    summary_.retransmitted_bytes += seen;
  } else {
    c.ledger.overlapping_bytes += seen;
    summary_.overlapping_bytes += seen;
    if (late) ++summary_.out_of_order_packets;
  }
  if (truncated > 0) TakeTruncated(c, at + payload.size(), truncated);
  highest_ = std::max(highest_, end);
  if (doubtful_ack_ != 0 && doubtful_ack_ <= highest_) {
    acknowledged_ = std::max(acknowledged_, doubtful_ack_);
    doubtful_ack_ = 0;
  }
  space_.Advance(highest_);
  EnforceLimits(c);
}

void TcpStream::EnforceLimits(const StreamContext& c) {
  const auto over_stream = [&] { return pending_.memory_bytes() > c.limits.stream_waiting_bytes; };
  const auto over_all = [&] { return c.all_waiting_bytes > c.limits.all_waiting_bytes; };
  while (!pending_.empty() && (over_stream() || over_all())) {
    if (start_ == Start::kHolding) {
      StartAtFirstPending(c);
    } else {
      GiveUpHole(c, over_stream() ? GapReason::kStreamLimit : GapReason::kMemoryLimit);
    }
  }
}

}  // namespace flowstitch
