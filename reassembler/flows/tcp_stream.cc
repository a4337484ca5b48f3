// A stream's beginning and end, its acknowledgements and its holes. Data is in stream_data.cc.
#include "reassembler/flows/tcp_stream.h"

#include <algorithm>
#include <utility>

namespace flowstitch {
namespace {

// How far beyond what was seen a RST may lie where nobody has told the window; and how far before
// its first data a late SYN may.
constexpr uint64_t kResetSlackBytes = uint64_t{64} << 10;
// Gaps of a stream that late bytes are looked up in.
constexpr size_t kMaxRememberedGaps = 64;
// Timestamps tick in milliseconds or slower; less is the disorder of one network or two sensors.
constexpr int32_t kStaleTicks = 100;
constexpr uint64_t kSequenceSpaceBytes = uint64_t{1} << 32;

}  // namespace

void TcpStream::CountPacket(uint32_t wire_length, uint32_t captured_length, TimeNs time_ns) {
  if (summary_.packets == 0) summary_.first_time_ns = summary_.last_time_ns = time_ns;
  ++summary_.packets;
  summary_.wire_bytes += wire_length;
  summary_.captured_bytes += captured_length;
  summary_.first_time_ns = std::min(summary_.first_time_ns, time_ns);
  summary_.last_time_ns = std::max(summary_.last_time_ns, time_ns);
}

void TcpStream::Resume(uint32_t next_sequence, uint64_t offset) {
  space_.AnchorAt(next_sequence, kFirstPosition + offset);
  next_ = highest_ = kFirstPosition + offset;
  start_ = Start::kRunning;
}

void TcpStream::Restart(uint32_t isn) {
  space_.Anchor(isn + 1);
  origin_ = next_ = highest_ = kFirstPosition;
  acknowledged_ = 0;
}

// Of two SYNs before anything else, the one that the peer, or the sender itself, goes on from
// counts.
void TcpStream::SettleRival(uint32_t number) {
  const uint32_t rival = *rare_->rival_isn;
  if (number == isn() + 1) {
    rare_->rival_isn.reset();
  } else if (number == rival + 1) {
    rare_->rival_isn.reset();
    if (untouched()) Restart(rival);
  }
}

void TcpStream::OnSyn(const StreamContext& c, uint32_t isn, ByteView payload, bool fast_open,
                      const Carrier& carrier) {
  if (!space_.anchored()) space_.Anchor(isn + 1);
  if (start_ == Start::kRunning && space_.PositionOf(isn + 1) != origin_ && untouched() &&
      !holds_syn()) {
    // A second SYN before anything else: most likely the newer one is what the peer will answer.
    if (summary_.syn_seen) rare().rival_isn = this->isn();
    Restart(isn);
  }
  const Position origin = space_.PositionOf(isn + 1);
  if (start_ != Start::kRunning) StartAt(c, origin);
  summary_.syn_seen = true;
  if (payload.empty()) return;
  if (fast_open || next_ != origin_ || holds_syn()) {
    OnData(c, isn + 1, payload, 0, carrier);
    return;
  }
  rare().held_syn.assign(payload.begin(), payload.end());
  c.ledger.waiting_bytes += payload.size();
  c.all_waiting_bytes += payload.size();
}

std::vector<uint8_t> TcpStream::TakeHeldSyn(const StreamContext& c) {
  c.ledger.waiting_bytes -= rare_->held_syn.size();
  c.all_waiting_bytes -= rare_->held_syn.size();
  return std::exchange(rare_->held_syn, {});
}

void TcpStream::AcceptHeldSyn(const StreamContext& c) {
  const std::vector<uint8_t> held = TakeHeldSyn(c);
  OnData(c, space_.SequenceOf(origin_), held, 0, c.stamp_ns);
}

void TcpStream::DropHeldSyn(const StreamContext& c) {
  c.ledger.unconfirmed_bytes += TakeHeldSyn(c).size();
}

void TcpStream::StartAt(const StreamContext& c, Position origin) {
  origin_ = next_ = origin;
  highest_ = std::max(highest_, origin);
  start_ = Start::kRunning;
  const size_t memory = pending_.memory_bytes();
  const size_t payload = pending_.payload_bytes();
  c.ledger.before_start_bytes += pending_.DropBefore(origin);
  NotePending(c, memory, payload);
  if (rare_ != nullptr) {
    for (const HeldConflict& conflict : rare_->held_conflicts) {
      if (conflict.at >= origin) Report(c, conflict);
    }
    rare_->held_conflicts = {};
  }
  DrainPending(c);
}

// The first that was seen of a direction is its end: data may still come that lies before.
void TcpStream::HoldFrom(const StreamContext& c, uint32_t sequence) {
  space_.Anchor(sequence);
  start_ = Start::kHolding;
  hole_since_ns_ = c.now_ns;
}

void TcpStream::StartAtFirstPending(const StreamContext& c) {
  StartAt(c, pending_.empty() ? highest_ : pending_.first());
}

void TcpStream::EmitGap(const StreamContext& c, uint64_t length, GapReason reason, TimeNs time_ns) {
  c.events.OnGap(c.flow, c.direction, next_ - origin_, length, reason, time_ns);
  auto& gaps = rare().gaps;
  if (gaps.size() == kMaxRememberedGaps) gaps.erase(gaps.begin());
  gaps.push_back({next_, next_ + length});
  next_ += length;
  summary_.bytes += length;
  summary_.gap_bytes += length;
  ++summary_.gaps;
  ++c.ledger.gaps;
  c.ledger.gap_bytes += length;
  c.ledger.stream_bytes += length;
}

// The first hole becomes a gap; of what was cut off, that is the reason whatever ended its wait.
void TcpStream::GiveUpHole(const StreamContext& c, GapReason reason) {
  if (pending_.TruncatedAt(next_) != nullptr) {
    const size_t memory = pending_.memory_bytes();
    const uint32_t length = pending_.TakeFirst().second.length;
    NotePending(c, memory, pending_.payload_bytes());
    EmitGap(c, length, GapReason::kTruncated, c.stamp_ns);
  } else {
    EmitGap(c, (pending_.empty() ? fin_ : pending_.first()) - next_, reason, c.stamp_ns);
  }
  DrainPending(c);
}

void TcpStream::OnFin(const StreamContext& c, uint32_t sequence_after_data) {
  if (!space_.anchored()) HoldFrom(c, sequence_after_data);
  const Position at = space_.PositionOf(sequence_after_data);
  if (at < Floor() || at > Reach(c.limits)) return;  // not of this stream
  // Repeated, or another: one that nothing has come near gives way to one that lies before it.
  if (fin_ != 0 && (at >= fin_ || at < highest_)) return;
  fin_ = at;
  summary_.fin_seen = true;
  if (holds_probe() && fin_ > rare_->probe->at) SettleProbe(c, true, nullptr);
  if (pending_.empty() || pending_.end() <= fin_) return;
  const size_t memory = pending_.memory_bytes();
  const size_t payload = pending_.payload_bytes();
  c.ledger.after_fin_bytes += pending_.DropFrom(fin_);
  NotePending(c, memory, payload);
}

void TcpStream::OnReset(const StreamContext& c, uint32_t sequence) {
  if (!space_.anchored()) HoldFrom(c, sequence);
  const Position at = space_.PositionOf(sequence);
  reset_at_ = reset_ ? std::min(reset_at_, std::max(at, next_)) : std::max(at, next_);
  reset_ = true;
  summary_.reset_seen = true;
}

void TcpStream::OnAcknowledged(const StreamContext& c, uint32_t acknowledgement, uint64_t window) {
  if (!space_.anchored()) return;
  if (rare_ != nullptr && rare_->rival_isn) SettleRival(acknowledgement);
  const Position at = space_.PositionOf(acknowledgement);
  if (at > highest_ + c.limits.acknowledgement_lead_bytes) return;
  window_ = window;
  if (holds_syn() && start_ == Start::kRunning) {
    if (at > origin_) {
      AcceptHeldSyn(c);
    } else if (at == origin_) {
      DropHeldSyn(c);  // the peer took the SYN alone; the data comes again
    }
  }
  if (holds_probe() && at > rare_->probe->at) SettleProbe(c, true, nullptr);
  // What nobody has seen yet is believed when it is said twice, or when it comes.
  if (at > highest_ && at != doubtful_ack_ && (doubtful_ack_ == 0 || at < doubtful_ack_)) {
    doubtful_ack_ = at;
    return;
  }
  if (at > highest_) {
    acknowledged_ = std::max(acknowledged_, doubtful_ack_);
    doubtful_ack_ = at == doubtful_ack_ ? 0 : at;
    return;
  }
  acknowledged_ = std::max(acknowledged_, at);
}

uint64_t TcpStream::WindowOf(const TcpHeader& tcp, bool is_syn) {
  if (is_syn) {  // the window of a SYN itself is never scaled
    window_scale_ = tcp.window_scale;
    return kUnknownWindow;
  }
  return uint64_t{tcp.window} << window_scale_;
}

// A SYN whose payload was held: the sender goes on behind it, so it was taken.
void TcpStream::OnSequence(const StreamContext& c, uint32_t sequence) {
  if (!holds_syn() || start_ != Start::kRunning) return;
  if (space_.PositionOf(sequence) >= origin_ + rare_->held_syn.size()) AcceptHeldSyn(c);
}

void TcpStream::OnSack(const StreamContext& c, uint32_t left, uint32_t right) {
  if (!space_.anchored() || start_ != Start::kRunning) return;
  const Position from = space_.PositionOf(left);
  const Position to = space_.PositionOf(right);
  // A receiver reports nothing beyond the window that it offers; what it offers may be unknown.
  const uint64_t reach = window_ == kUnknownWindow ? highest_ + c.limits.acknowledgement_lead_bytes
                                                   : std::max(highest_, acknowledged_ + window_);
  if (from >= to || to > reach) return;
  sacked_end_ = std::max(sacked_end_, to);
  if (pending_.empty() || from > next_) return;
  const PendingBytes::Chunk* const cut = pending_.TruncatedAt(next_);
  if (to >= (cut != nullptr ? next_ + cut->length : pending_.first())) sacked_hole_ = next_;
}

bool TcpStream::IsStale(uint32_t sequence, uint32_t timestamp) {
  if (!space_.anchored()) return false;
  const Position at = space_.PositionOf(sequence);
  const int32_t age = SequenceDistance(timestamp, timestamp_);
  // Nothing can be wrapped as long as the stream is shorter than the space.
  const bool may_be_wrapped = at - origin_ + kResetSlackBytes >= kSequenceSpaceBytes;
  if (has_timestamp_ && age < -kStaleTicks && may_be_wrapped && at >= next_) return true;
  if (at <= next_ && (!has_timestamp_ || age > 0)) {
    has_timestamp_ = true;
    timestamp_ = timestamp;
  }
  return false;
}

TimeNs TcpStream::CheckWaiting(const StreamContext& c) {
  if (start_ == Start::kHolding) {
    const TimeNs deadline = AddNs(hole_since_ns_, c.limits.start_hold_ns);
    const bool enough = pending_.memory_bytes() >= c.limits.start_hold_bytes;
    if (c.now_ns < deadline && !enough) return deadline;
    StartAtFirstPending(c);
  }
  while (start_ == Start::kRunning && (!pending_.empty() || next_ < fin_)) {
    // A hole ends at what waits behind it, or at the FIN.
    const PendingBytes::Chunk* const cut = pending_.TruncatedAt(next_);
    const Position hole_end = cut != nullptr     ? next_ + cut->length
                              : pending_.empty() ? fin_
                                                 : pending_.first();
    const bool acknowledged =
        std::max(acknowledged_, doubtful_ack_) >= hole_end || sacked_hole_ == next_;
    if (hole_at_ != next_) {
      hole_at_ = next_;
      // Where each segment was cut, each hole waits from when it was seen, not from when those
      // before it were given up: else a stream would fall behind for ever.
      hole_since_ns_ = cut != nullptr ? cut->carrier.time_ns : c.now_ns;
      hole_acknowledged_ns_ = cut != nullptr ? cut->carrier.time_ns : kTimeMax;
    }
    TimeNs deadline = AddNs(hole_since_ns_, c.limits.unacknowledged_grace_ns);
    GapReason reason = GapReason::kNotAcknowledged;
    if (acknowledged) {
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
  if (holds_syn()) DropHeldSyn(c);
  if (holds_probe()) SettleProbe(c, false, &ReassemblyLedger::unconfirmed_bytes);
  while (!pending_.empty()) GiveUpHole(c, GapReason::kFlowEnded);
  if (start_ != Start::kRunning) return;
  // What is known to have been sent and was not seen: up to the FIN, or to what the peer says it
  // has (an acknowledgement of one more may be of a FIN that was not seen).
  Position known_end = fin_;
  if (fin_ == 0) {
    if (acknowledged_ > next_ + 1) known_end = acknowledged_;
    known_end = std::max(known_end, sacked_end_);
  }
  if (known_end > next_) EmitGap(c, known_end - next_, GapReason::kFlowEnded, c.stamp_ns);
}

void TcpStream::Evict(const StreamContext& c) {
  const size_t memory = pending_.memory_bytes();
  const size_t payload = pending_.payload_bytes();
  while (!pending_.empty()) pending_.TakeFirst();
  c.ledger.evicted_bytes += payload;
  NotePending(c, memory, payload);
  if (holds_syn()) DropHeldSyn(c);
  if (holds_probe()) SettleProbe(c, false, &ReassemblyLedger::evicted_bytes);
}

bool TcpStream::AcceptsReset(uint32_t sequence) const {
  if (!space_.anchored()) return true;
  const Position at = space_.PositionOf(sequence);
  Position low = Floor();
  if (acknowledged_ != 0) low = std::min(low, acknowledged_);
  // RFC 5961, 3.2: within what the receiver says that it takes.
  if (window_ == kUnknownWindow) return at >= low && at <= highest_ + kResetSlackBytes;
  return at >= low && at <= std::max(highest_, acknowledged_ + window_);
}

bool TcpStream::Near(const TcpLimits& limits, uint32_t sequence) const {
  if (!space_.anchored()) return true;
  if (rare_ != nullptr && rare_->rival_isn && sequence == *rare_->rival_isn + 1) return true;
  const Position at = space_.PositionOf(sequence);
  return at <= Reach(limits) && at + limits.window_slack_bytes >= highest_;
}

uint64_t TcpStream::DistanceTo(uint32_t sequence) const {
  const Position at = space_.PositionOf(sequence);
  return at > highest_ ? at - highest_ : highest_ - at;
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
