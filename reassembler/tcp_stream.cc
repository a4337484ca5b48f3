#include "reassembler/tcp_stream.h"

#include <algorithm>
#include <utility>

namespace flowstitch {
namespace {

// Bytes of each copy that a conflict shows.
constexpr size_t kConflictSampleBytes = 32;
// Conflicts kept until the stream's first byte, and so their offsets, are known.
constexpr size_t kMaxHeldConflicts = 16;
// How far beyond what was seen a RST may lie and still be in the window.
constexpr uint64_t kResetSlackBytes = uint64_t{1} << 20;

}  // namespace

void TcpStream::CountPacket(uint32_t wire_length, uint32_t captured_length, TimeNs time_ns) {
  if (summary_.packets == 0) summary_.first_time_ns = summary_.last_time_ns = time_ns;
  ++summary_.packets;
  summary_.wire_bytes += wire_length;
  summary_.captured_bytes += captured_length;
  summary_.first_time_ns = std::min(summary_.first_time_ns, time_ns);
  summary_.last_time_ns = std::max(summary_.last_time_ns, time_ns);
}

void TcpStream::OnSyn(const StreamContext& c, uint32_t isn, ByteView payload, bool fast_open,
                      TimeNs time_ns) {
  if (!space_.anchored()) space_.Anchor(isn + 1);
  const Position origin = space_.PositionOf(isn + 1);
  if (start_ == Start::kRunning && origin != origin_ && untouched()) {
    // A second SYN before anything else: the newer one is what the peer will answer.
    origin_ = next_ = highest_ = origin;
  }
  if (start_ != Start::kRunning) StartAt(c, origin);
  summary_.syn_seen = true;
  if (payload.empty()) return;
  if (fast_open || next_ != origin_ || held_syn_ != nullptr) {
    OnData(c, isn + 1, payload, 0, time_ns);
    return;
  }
  held_syn_ = std::make_unique<std::vector<uint8_t>>(payload.begin(), payload.end());
  c.ledger.waiting_bytes += payload.size();
  c.all_waiting_bytes += payload.size();
}

void TcpStream::AcceptHeldSyn(const StreamContext& c) {
  const auto held = std::exchange(held_syn_, nullptr);
  c.ledger.waiting_bytes -= held->size();
  c.all_waiting_bytes -= held->size();
  OnData(c, space_.SequenceOf(origin_), *held, 0, c.now_ns);
}

void TcpStream::DropHeldSyn(const StreamContext& c) {
  const auto held = std::exchange(held_syn_, nullptr);
  c.ledger.waiting_bytes -= held->size();
  c.all_waiting_bytes -= held->size();
  c.ledger.unconfirmed_bytes += held->size();
}

void TcpStream::StartAt(const StreamContext& c, Position origin) {
  origin_ = next_ = origin;
  highest_ = std::max(highest_, origin);
  start_ = Start::kRunning;
  const size_t memory = pending_.memory_bytes();
  const size_t payload = pending_.payload_bytes();
  c.ledger.before_start_bytes += pending_.DropBefore(origin);
  NotePending(c, memory, payload);
  if (held_conflicts_ != nullptr) {
    for (const HeldConflict& conflict : *held_conflicts_) {
      if (conflict.at >= origin) Report(c, conflict);
    }
    held_conflicts_ = nullptr;
  }
  DrainPending(c);
}

void TcpStream::StartAtFirstPending(const StreamContext& c) {
  StartAt(c, pending_.empty() ? highest_ : pending_.first());
}

void TcpStream::Deliver(const StreamContext& c, ByteView bytes, TimeNs time_ns) {
  c.events.OnBytes(c.flow, c.direction, next_ - origin_, bytes, time_ns);
  next_ += bytes.size();
  summary_.bytes += bytes.size();
  c.ledger.delivered_bytes += bytes.size();
  c.ledger.stream_bytes += bytes.size();
}

void TcpStream::EmitGap(const StreamContext& c, uint64_t length, GapReason reason, TimeNs time_ns) {
  c.events.OnGap(c.flow, c.direction, next_ - origin_, length, reason, time_ns);
  next_ += length;
  summary_.bytes += length;
  summary_.gap_bytes += length;
  ++summary_.gaps;
  ++c.ledger.gaps;
  c.ledger.gap_bytes += length;
  c.ledger.stream_bytes += length;
}

void TcpStream::NotePending(const StreamContext& c, size_t memory_before, size_t payload_before) {
  c.all_waiting_bytes += pending_.memory_bytes() - memory_before;
  c.ledger.waiting_bytes += pending_.payload_bytes() - payload_before;
}

void TcpStream::DrainPending(const StreamContext& c) {
  if (pending_.empty()) return;
  const size_t memory = pending_.memory_bytes();
  const size_t payload = pending_.payload_bytes();
  while (!pending_.empty() && pending_.first() == next_) {
    const auto [at, chunk] = pending_.TakeFirst();
    if (chunk.bytes == nullptr) {
      EmitGap(c, chunk.length, GapReason::kTruncated, chunk.time_ns);
    } else {
      Deliver(c, {chunk.bytes.get(), chunk.length}, chunk.time_ns);
    }
  }
  NotePending(c, memory, payload);
}

void TcpStream::GiveUpHole(const StreamContext& c, GapReason reason) {
  EmitGap(c, pending_.first() - next_, reason, c.now_ns);
  DrainPending(c);
}

void TcpStream::Report(const StreamContext& c, const HeldConflict& conflict) {
  ++c.ledger.conflicts;
  c.events.OnConflict(c.flow, c.direction,
                      {conflict.at - origin_, conflict.length, conflict.kept, conflict.dropped},
                      conflict.time_ns);
}

void TcpStream::OnSeen(const StreamContext& c, Position at, ByteView kept, ByteView offered,
                       TimeNs time_ns) {
  // A keep-alive's byte has any content (RFC 9293, 3.8.4).
  if (offered.size() == 1 && at + 1 == highest_) return;
  const auto [k, o] = std::mismatch(kept.begin(), kept.end(), offered.begin());
  if (k == kept.end()) return;
  const auto first = static_cast<size_t>(k - kept.begin());
  uint64_t differing = 0;
  for (size_t i = first; i < kept.size(); ++i) differing += kept[i] != offered[i];
  c.ledger.conflicting_bytes += differing;
  summary_.conflicting_bytes += differing;
  const size_t sample = std::min(kConflictSampleBytes, kept.size() - first);
  const HeldConflict conflict{at + first,
                              differing,
                              {k, k + static_cast<long>(sample)},
                              {o, o + static_cast<long>(sample)},
                              time_ns};
  if (start_ == Start::kRunning) {
    Report(c, conflict);
    return;
  }
  if (held_conflicts_ == nullptr) held_conflicts_ = std::make_unique<std::vector<HeldConflict>>();
  if (held_conflicts_->size() < kMaxHeldConflicts) held_conflicts_->push_back(conflict);
}

// Puts bytes behind a hole; returns how many of them were new.
size_t TcpStream::Store(const StreamContext& c, Position at, ByteView bytes, TimeNs time_ns) {
  const size_t memory = pending_.memory_bytes();
  const size_t payload = pending_.payload_bytes();
  const size_t added =
      pending_.Insert(at, bytes, time_ns, [&](Position where, ByteView kept, ByteView offered) {
        OnSeen(c, where, kept, offered, time_ns);
      });
  NotePending(c, memory, payload);
  return added;
}

// Bytes inside the stream and the window; returns how many of them were new.
size_t TcpStream::Take(const StreamContext& c, Position at, ByteView bytes, TimeNs time_ns) {
  if (start_ == Start::kHolding) return Store(c, at, bytes, time_ns);
  if (at < next_) {
    const size_t seen = std::min<size_t>(bytes.size(), next_ - at);
    bytes = bytes.subspan(seen);
    at += seen;
  }
  if (bytes.empty()) return 0;
  if (at != next_) return Store(c, at, bytes, time_ns);
  if (pending_.empty() || pending_.first() >= at + bytes.size()) {
    Deliver(c, bytes, time_ns);
    DrainPending(c);
    return bytes.size();
  }
  const size_t added = Store(c, at, bytes, time_ns);
  DrainPending(c);
  return added;
}

void TcpStream::TakeTruncated(const StreamContext& c, Position at, uint32_t length,
                              TimeNs time_ns) {
  if (start_ == Start::kRunning && at < next_) {
    if (next_ - at >= length) return;
    length -= static_cast<uint32_t>(next_ - at);
    at = next_;
  }
  if (length == 0) return;
  if (start_ == Start::kRunning && at == next_ && pending_.empty()) {
    EmitGap(c, length, GapReason::kTruncated, time_ns);
    return;
  }
  const size_t memory = pending_.memory_bytes();
  pending_.InsertTruncated(at, length, time_ns);
  NotePending(c, memory, pending_.payload_bytes());
  if (start_ == Start::kRunning) DrainPending(c);
}

void TcpStream::OnData(const StreamContext& c, uint32_t sequence, ByteView payload,
                       uint32_t truncated, TimeNs time_ns) {
  if (payload.empty() && truncated == 0) return;
  if (!space_.anchored()) space_.Anchor(sequence);
  if (start_ == Start::kUnknown) {
    start_ = Start::kHolding;
    hole_since_ns_ = c.now_ns;
    highest_ = space_.PositionOf(sequence);
  }
  Position at = space_.PositionOf(sequence);
  const Position reach = std::max(highest_, acknowledged_) + c.limits.window_slack_bytes;
  if (at > reach || at + c.limits.window_slack_bytes < highest_) {
    c.ledger.out_of_window_bytes += payload.size();
    return;
  }
  if (held_syn_ != nullptr && at >= origin_ + held_syn_->size()) AcceptHeldSyn(c);
  if (reset_ && at >= reset_at_) {
    c.ledger.after_close_bytes += payload.size();
    return;
  }
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
  const Position end = at + payload.size() + truncated;
  const bool late = end <= highest_;
  const size_t added = Take(c, at, payload, time_ns);
  const size_t seen = payload.size() - added;
  if (added == 0) {
    c.ledger.retransmitted_bytes += seen;
    summary_.retransmitted_bytes += seen;
  } else {
    c.ledger.overlapping_bytes += seen;
    summary_.overlapping_bytes += seen;
    if (late) ++summary_.out_of_order_packets;
  }
  if (truncated > 0) TakeTruncated(c, at + payload.size(), truncated, time_ns);
  highest_ = std::max(highest_, end);
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

void TcpStream::OnFin(const StreamContext& c, uint32_t sequence_after_data) {
  if (!space_.anchored()) {
    space_.Anchor(sequence_after_data);
    StartAt(c, kFirstPosition);
  }
  const Position at = space_.PositionOf(sequence_after_data);
  const Position reach = std::max(highest_, acknowledged_) + c.limits.window_slack_bytes;
  if (fin_ != 0 || at < Floor() || at > reach) return;  // repeated, or not of this stream
  fin_ = at;
  summary_.fin_seen = true;
  if (pending_.empty() || pending_.end() <= fin_) return;
  const size_t memory = pending_.memory_bytes();
  const size_t payload = pending_.payload_bytes();
  c.ledger.after_fin_bytes += pending_.DropFrom(fin_);
  NotePending(c, memory, payload);
}

void TcpStream::OnReset(const StreamContext& c, uint32_t sequence) {
  if (!space_.anchored()) {
    space_.Anchor(sequence);
    StartAt(c, kFirstPosition);
  }
  const Position at = space_.PositionOf(sequence);
  reset_at_ = reset_ ? std::min(reset_at_, std::max(at, next_)) : std::max(at, next_);
  reset_ = true;
  summary_.reset_seen = true;
}

void TcpStream::OnAcknowledged(const StreamContext& c, uint32_t acknowledgement) {
  if (!space_.anchored()) return;
  const Position at = space_.PositionOf(acknowledgement);
  if (at > highest_ + c.limits.acknowledgement_lead_bytes) return;
  if (held_syn_ != nullptr && start_ == Start::kRunning) {
    if (at > origin_) {
      AcceptHeldSyn(c);
    } else if (at == origin_) {
      DropHeldSyn(c);  // the peer took the SYN alone; the data comes again
    }
  }
  acknowledged_ = std::max(acknowledged_, at);
}

TimeNs TcpStream::CheckWaiting(const StreamContext& c) {
  if (start_ == Start::kHolding) {
    const TimeNs deadline = AddNs(hole_since_ns_, c.limits.start_hold_ns);
    const bool enough = pending_.memory_bytes() >= c.limits.start_hold_bytes;
    if (c.now_ns < deadline && !enough) return deadline;
    StartAtFirstPending(c);
  }
  while (start_ == Start::kRunning && !pending_.empty()) {
    if (hole_at_ != next_) {
      hole_at_ = next_;
      hole_since_ns_ = c.now_ns;
      hole_acknowledged_ns_ = kTimeMax;
    }
    TimeNs deadline = AddNs(hole_since_ns_, c.limits.unacknowledged_grace_ns);
    GapReason reason = GapReason::kNotAcknowledged;
    if (acknowledged_ >= pending_.first()) {
      if (hole_acknowledged_ns_ == kTimeMax) hole_acknowledged_ns_ = c.now_ns;
      reason = GapReason::kAcknowledged;
      deadline = AddNs(hole_acknowledged_ns_, c.limits.acknowledged_grace_ns);
      if (pending_.memory_bytes() >= c.limits.acknowledged_grace_bytes) deadline = c.now_ns;
    }
    if (c.now_ns < deadline) return deadline;
    GiveUpHole(c, reason);
  }
  return kTimeMax;
}

void TcpStream::Finish(const StreamContext& c) {
  if (start_ == Start::kHolding) StartAtFirstPending(c);
  // Nobody was there to refuse it: one direction only.
  if (held_syn_ != nullptr) {
    if (acknowledged_ == 0) {
      AcceptHeldSyn(c);
    } else {
      DropHeldSyn(c);
    }
  }
  while (!pending_.empty()) GiveUpHole(c, GapReason::kFlowEnded);
  if (start_ != Start::kRunning) return;
  // What is known to have been sent and was not seen: up to the FIN, or to what the peer
  // acknowledged (one less may be a FIN that was not seen).
  const Position known_end = fin_ != 0 ? fin_ : (acknowledged_ > next_ + 1 ? acknowledged_ : 0);
  if (known_end > next_) EmitGap(c, known_end - next_, GapReason::kFlowEnded, c.now_ns);
}

void TcpStream::Evict(const StreamContext& c) {
  const size_t memory = pending_.memory_bytes();
  const size_t payload = pending_.payload_bytes();
  while (!pending_.empty()) pending_.TakeFirst();
  c.ledger.evicted_bytes += payload;
  NotePending(c, memory, payload);
  if (held_syn_ != nullptr) DropHeldSyn(c);
}

bool TcpStream::AcceptsReset(const TcpLimits& /*limits*/, uint32_t sequence) const {
  if (!space_.anchored()) return true;
  const Position at = space_.PositionOf(sequence);
  Position low = Floor();
  if (acknowledged_ != 0) low = std::min(low, acknowledged_);
  return at >= low && at <= std::max(highest_, acknowledged_) + kResetSlackBytes;
}

bool TcpStream::Near(const TcpLimits& limits, uint32_t sequence) const {
  if (!space_.anchored()) return true;
  const Position at = space_.PositionOf(sequence);
  const Position reach = std::max(highest_, acknowledged_) + limits.window_slack_bytes;
  return at <= reach && at + limits.window_slack_bytes >= highest_;
}

bool TcpStream::IsOwnSyn(uint32_t isn) const {
  if (!space_.anchored()) return true;
  const Position at = space_.PositionOf(isn + 1);
  if (start_ == Start::kRunning && (summary_.syn_seen || at == origin_)) return at == origin_;
  // Picked up without its SYN, which comes late: it lies shortly before the first data.
  const Position first = start_ == Start::kHolding ? Floor() : origin_;
  return at <= first && first - at <= kResetSlackBytes;
}

}  // namespace flowstitch
