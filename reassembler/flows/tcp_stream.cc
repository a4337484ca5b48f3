#include "reassembler/flows/tcp_stream.h"

#include <algorithm>
#include <utility>

namespace flowstitch {
namespace {

// How far beyond what was seen a RST may lie where nobody has told the window; and how far before
// its first data a late SYN may.
constexpr uint64_t kResetSlackBytes = uint64_t{64} << 10;
// Timestamps tick in milliseconds or slower; less is the disorder of one network or two sensors.
constexpr int32_t kStaleTicks = 100;
constexpr uint64_t kSequenceSpaceBytes = uint64_t{1} << 32;

}  // namespace

void TcpStream::CountPacket(uint32_t wire_length, uint32_t captured_length, TimeNs time_ns) {
  StreamSummary& summary = out().summary();
  if (summary.packets == 0) summary.first_time_ns = summary.last_time_ns = time_ns;
  ++summary.packets;
  summary.wire_bytes += wire_length;
  summary.captured_bytes += captured_length;
  summary.first_time_ns = std::min(summary.first_time_ns, time_ns);
  summary.last_time_ns = std::max(summary.last_time_ns, time_ns);
}

void TcpStream::Resume(uint32_t next_sequence, uint64_t offset) {
  space_.AnchorAt(next_sequence, kFirstPosition + offset);
  out().Resume(offset);
  highest_ = out().next();
}

void TcpStream::Restart(uint32_t isn) {
  space_.Anchor(isn + 1);
  out().Restart();
  highest_ = kFirstPosition;
  peer_.Restart();
}

// Of two SYNs before anything else, the one that the peer, or the sender itself, goes on from
// counts.
void TcpStream::SettleRival(uint32_t number) {
  const uint32_t rival = *rival_isn_;
  if (number == isn() + 1) {
    rival_isn_.reset();
  } else if (number == rival + 1) {
    rival_isn_.reset();
    if (untouched()) Restart(rival);
  }
}

void TcpStream::OnSyn(const StreamContext& c, uint32_t isn, ByteView payload, bool fast_open,
                      const Carrier& carrier) {
  if (!space_.anchored()) space_.Anchor(isn + 1);
  if (running() && space_.PositionOf(isn + 1) != out().origin() && untouched() &&
      !unconfirmed_.has_syn()) {
    // A second SYN before anything else: most likely the newer one is what the peer will answer.
    if (out().summary().syn_seen) rival_isn_ = this->isn();
    Restart(isn);
  }
  const Position origin = space_.PositionOf(isn + 1);
  if (!running()) StartAt(c, origin);
  out().summary().syn_seen = true;
  if (payload.empty()) return;
  if (fast_open || out().next() != out().origin() || unconfirmed_.has_syn()) {
    OnData(c, isn + 1, payload, 0, carrier);
    return;
  }
  unconfirmed_.HoldSyn(c, payload);
}

void TcpStream::AcceptHeldSyn(const StreamContext& c) {
  const std::vector<uint8_t> held = unconfirmed_.TakeSyn(c);
  OnData(c, space_.SequenceOf(out().origin()), held, 0, c.stamp_ns);
}

void TcpStream::DropHeldSyn(const StreamContext& c) {
  c.ledger.unconfirmed_bytes += unconfirmed_.TakeSyn(c).size();
}

void TcpStream::StartAt(const StreamContext& c, Position origin) {
  highest_ = std::max(highest_, origin);
  bytes_.Start(c, origin);
}

// The first that was seen of a direction is its end: data may still come that lies before.
void TcpStream::HoldFrom(const StreamContext& c, uint32_t sequence) {
  space_.Anchor(sequence);
  holding_ = true;
  hole_.Begin(c.now_ns);
}

void TcpStream::StartAtFirstWaiting(const StreamContext& c) {
  StartAt(c, waiting().empty() ? highest_ : waiting().first());
}

void TcpStream::OnFin(const StreamContext& c, uint32_t sequence_after_data) {
  if (!space_.anchored()) HoldFrom(c, sequence_after_data);
  const Position at = space_.PositionOf(sequence_after_data);
  if (at < Floor() || at > Reach(c.limits)) return;  // not of this stream
  // Repeated, or another: one that nothing has come near gives way to one that lies before it.
  if (fin_ != 0 && (at >= fin_ || at < highest_)) return;
  fin_ = at;
  out().summary().fin_seen = true;
  SettleProbeBefore(c, fin_);
  if (waiting().empty() || waiting().end() <= fin_) return;
  c.ledger.after_fin_bytes += waiting().DropFrom(c, fin_);
}

void TcpStream::OnReset(const StreamContext& c, uint32_t sequence) {
  if (!space_.anchored()) HoldFrom(c, sequence);
  const Position at = space_.PositionOf(sequence);
  reset_at_ = reset_ ? std::min(reset_at_, std::max(at, out().next())) : std::max(at, out().next());
  reset_ = true;
  out().summary().reset_seen = true;
}

void TcpStream::OnAcknowledged(const StreamContext& c, uint32_t acknowledgement, uint64_t window) {
  if (!space_.anchored()) return;
  if (rival_isn_) SettleRival(acknowledgement);
  const Position at = space_.PositionOf(acknowledgement);
  if (at > highest_ + c.limits.acknowledgement_lead_bytes) return;
  peer_.SetWindow(window);
  if (unconfirmed_.has_syn() && running()) {
    if (at > out().origin()) {
      AcceptHeldSyn(c);
    } else if (at == out().origin()) {
      DropHeldSyn(c);  // the peer took the SYN alone; the data comes again
    }
  }
  SettleProbeBefore(c, at);
  peer_.OnAcknowledged(at, highest_);
}

uint64_t TcpStream::WindowOf(const TcpHeader& tcp, bool is_syn) {
  if (is_syn) {  // the window of a SYN itself is never scaled
    window_scale_ = tcp.window_scale;
    return PeerView::kUnknownWindow;
  }
  return uint64_t{tcp.window} << window_scale_;
}

// A SYN whose payload was held: the sender goes on behind it, so it was taken.
void TcpStream::OnSequence(const StreamContext& c, uint32_t sequence) {
  if (!unconfirmed_.has_syn() || !running()) return;
  if (space_.PositionOf(sequence) >= out().origin() + unconfirmed_.syn_bytes()) AcceptHeldSyn(c);
}

void TcpStream::OnSack(const StreamContext& c, uint32_t left, uint32_t right) {
  if (!space_.anchored() || !running()) return;
  const Position from = space_.PositionOf(left);
  const Position to = space_.PositionOf(right);
  // A receiver reports nothing beyond the window that it offers; what it offers may be unknown.
  const Position reach = peer_.knows_window() ? peer_.WindowEnd(highest_)
                                              : highest_ + c.limits.acknowledgement_lead_bytes;
  if (from >= to || to > reach) return;
  const bool fills = !waiting().empty() && from <= out().next() && to >= bytes_.HoleEnd(fin_);
  peer_.OnSack(to, fills ? out().next() : 0);
}

bool TcpStream::IsStale(uint32_t sequence, uint32_t timestamp) {
  if (!space_.anchored()) return false;
  const Position at = space_.PositionOf(sequence);
  const int32_t age = SequenceDistance(timestamp, timestamp_);
  // Nothing can be wrapped as long as the stream is shorter than the space.
  const bool may_be_wrapped = at - out().origin() + kResetSlackBytes >= kSequenceSpaceBytes;
  if (has_timestamp_ && age < -kStaleTicks && may_be_wrapped && at >= out().next()) return true;
  if (at <= out().next() && (!has_timestamp_ || age > 0)) {
    has_timestamp_ = true;
    timestamp_ = timestamp;
  }
  return false;
}

TimeNs TcpStream::CheckWaiting(const StreamContext& c) {
  if (holding()) {
    const TimeNs deadline = AddNs(hole_.since_ns(), c.limits.start_hold_ns);
    const bool enough = waiting().memory_bytes() >= c.limits.start_hold_bytes;
    if (c.now_ns < deadline && !enough) return deadline;
    StartAtFirstWaiting(c);
  }
  while (running() && (!waiting().empty() || out().next() < fin_)) {
    const PendingBytes::Chunk* const cut = waiting().TruncatedAt(out().next());
    hole_.LookAt(out().next(), cut != nullptr ? &cut->carrier.time_ns : nullptr, c.now_ns);
    const bool acknowledged = peer_.Has(out().next(), bytes_.HoleEnd(fin_));
    const TimeNs deadline =
        hole_.Deadline(c.limits, acknowledged, waiting().memory_bytes(), c.now_ns);
    if (c.now_ns < deadline) return deadline;
    bytes_.GiveUpHole(c, fin_,
                      acknowledged ? GapReason::kAcknowledged : GapReason::kNotAcknowledged);
  }
  return kTimeMax;
}

void TcpStream::Finish(const StreamContext& c) {
  if (holding()) StartAtFirstWaiting(c);
  if (unconfirmed_.has_syn()) DropHeldSyn(c);
  DropProbe(c, &ReassemblyLedger::unconfirmed_bytes);
  while (!waiting().empty()) bytes_.GiveUpHole(c, fin_, GapReason::kFlowEnded);
  if (!running()) return;
  // What is known to have been sent and was not seen: up to the FIN, or to what the peer says it
  // has (an acknowledgement of one more may be of a FIN that was not seen).
  Position known_end = fin_;
  if (fin_ == 0) {
    if (peer_.acknowledged() > out().next() + 1) known_end = peer_.acknowledged();
    known_end = std::max(known_end, peer_.sacked_end());
  }
  if (known_end > out().next()) {
    out().EmitGap(c, known_end - out().next(), GapReason::kFlowEnded);
  }
}

void TcpStream::Evict(const StreamContext& c) {
  c.ledger.evicted_bytes += waiting().DropAll(c);
  if (unconfirmed_.has_syn()) DropHeldSyn(c);
  DropProbe(c, &ReassemblyLedger::evicted_bytes);
}

bool TcpStream::AcceptsReset(uint32_t sequence) const {
  if (!space_.anchored()) return true;
  const Position at = space_.PositionOf(sequence);
  Position low = Floor();
  if (peer_.acknowledged() != 0) low = std::min(low, peer_.acknowledged());
  // RFC 5961, 3.2: within what the receiver says that it takes.
  const Position reach =
      peer_.knows_window() ? peer_.WindowEnd(highest_) : highest_ + kResetSlackBytes;
  return at >= low && at <= reach;
}

bool TcpStream::Near(const TcpLimits& limits, uint32_t sequence) const {
  if (!space_.anchored()) return true;
  if (rival_isn_ && sequence == *rival_isn_ + 1) return true;
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
  if (running() && (out().summary().syn_seen || at == out().origin())) return at == out().origin();
  // Picked up without its SYN, which comes late: it lies shortly before the first data.
  const Position first = holding() ? Floor() : out().origin();
  return at <= first && first - at <= kResetSlackBytes;
}

// A sender asks a receiver whose window is closed with one byte, which the receiver may refuse and
// which may differ from what is sent there later (RFC 9293, 3.8.6.1). True when the payload was
// such a byte and is dealt with.
bool TcpStream::HoldProbe(const StreamContext& c, const Piece& piece, const Carrier& carrier) {
  const bool one_byte = piece.payload.size() == 1 && piece.truncated == 0;
  if (const auto* const probe = unconfirmed_.probe()) {
    if (piece.at == probe->at && one_byte && peer_.window_closed()) {
      c.ledger.retransmitted_bytes += 1;
      out().summary().retransmitted_bytes += 1;
      return true;
    }
    // Data at its place: it was a question. Data right behind it: it was sent for good.
    if (piece.at <= probe->at && piece.at + piece.payload.size() > probe->at) {
      DropProbe(c, &ReassemblyLedger::unconfirmed_bytes);
    } else {
      SettleProbeBefore(c, piece.at);
    }
    return false;
  }
  if (!peer_.window_closed() || !one_byte || !running() || piece.at != out().next() ||
      !waiting().empty() || peer_.acknowledged() != out().next()) {
    return false;
  }
  unconfirmed_.HoldProbe(c, {piece.at, piece.payload[0], carrier});
  return true;
}

// The stream goes on at `at`: a byte that was asked before is part of it.
void TcpStream::SettleProbeBefore(const StreamContext& c, Position at) {
  if (unconfirmed_.probe() == nullptr || unconfirmed_.probe()->at >= at) return;
  const UnconfirmedBytes::Probe probe = unconfirmed_.TakeProbe(c);
  const size_t added = bytes_.Take(c, probe.at, {&probe.byte, 1}, probe.carrier);
  c.ledger.retransmitted_bytes += 1 - added;
  highest_ = std::max(highest_, probe.at + 1);
}

// It was a question, or nobody will answer it any more.
void TcpStream::DropProbe(const StreamContext& c, uint64_t ReassemblyLedger::*where) {
  if (unconfirmed_.probe() == nullptr) return;
  unconfirmed_.TakeProbe(c);
  c.ledger.*where += 1;
}

void TcpStream::OnData(const StreamContext& c, uint32_t sequence, ByteView payload,
                       uint32_t truncated, const Carrier& carrier) {
  if (payload.empty() && truncated == 0) return;
  if (!space_.anchored()) space_.Anchor(sequence);
  if (!running() && !holding_) {
    holding_ = true;
    hole_.Begin(c.now_ns);
    highest_ = space_.PositionOf(sequence);
  }
  if (rival_isn_) SettleRival(sequence);
  const Position at = space_.PositionOf(sequence);
  if (at > Reach(c.limits) || at + c.limits.window_slack_bytes < highest_) {
    c.ledger.out_of_window_bytes += payload.size();
    return;
  }
  if (unconfirmed_.has_syn() && at >= out().origin() + unconfirmed_.syn_bytes()) AcceptHeldSyn(c);
  // It goes on: nobody who resets a connection does.
  if (reset_ && at >= reset_at_) reset_ = false;
  Piece piece{at, payload, truncated};
  if (!CutToStream(c, &piece)) return;
  const bool may_ask =
      !c.rest_of_segment && (peer_.window_closed() || unconfirmed_.probe() != nullptr);
  if (may_ask && HoldProbe(c, piece, carrier)) return;
  TakePiece(c, piece, carrier);
  highest_ = std::max(highest_, piece.end());
  peer_.OnSeen(highest_);
  space_.Advance(highest_);
  EnforceLimits(c);
}

// What of a segment lies in the stream: behind its beginning, before its FIN and the window's end.
// False when nothing does.
bool TcpStream::CutToStream(const StreamContext& c, Piece* piece) {
  const Position reach = Reach(c.limits);
  if (piece->end() > reach) {
    const Position data_end = piece->at + piece->payload.size();
    piece->truncated = static_cast<uint32_t>(std::max(reach, data_end) - data_end);
  }
  out().summary().truncated_bytes += piece->truncated;
  c.ledger.truncated_bytes += piece->truncated;
  if (running() && piece->at < out().origin()) {
    const size_t cut = std::min<size_t>(piece->payload.size(), out().origin() - piece->at);
    c.ledger.before_start_bytes += cut;
    piece->payload = piece->payload.subspan(cut);
    piece->at += cut;
    if (piece->payload.empty()) return false;
  }
  if (fin_ == 0 || piece->end() <= fin_) return true;
  const size_t before_fin = piece->at < fin_ ? fin_ - piece->at : 0;
  const size_t keep = std::min<size_t>(piece->payload.size(), before_fin);
  c.ledger.after_fin_bytes += piece->payload.size() - keep;
  piece->payload = piece->payload.first(keep);
  piece->truncated = static_cast<uint32_t>(std::min<uint64_t>(piece->truncated, before_fin - keep));
  return true;
}

// Counts what is new of a segment, and what was there.
void TcpStream::TakePiece(const StreamContext& c, const Piece& piece, const Carrier& carrier) {
  const auto [at, payload, truncated] = piece;
  const bool late = piece.end() <= highest_;
  // A keep-alive's byte has any content (RFC 9293, 3.8.4): it never takes a place.
  const bool keep_alive =
      !c.rest_of_segment && payload.size() == 1 && truncated == 0 && piece.end() == highest_;
  const uint64_t in_gaps =
      at < out().next() ? out().BytesInGaps(at, std::min(payload.size(), out().next() - at)) : 0;
  const size_t added = keep_alive ? 0 : bytes_.Take(c, at, payload, carrier);
  const size_t seen = payload.size() - added - in_gaps;
  StreamSummary& summary = out().summary();
  c.ledger.late_bytes += in_gaps;
  summary.late_bytes += in_gaps;
  if (added == 0) {
    c.ledger.retransmitted_bytes += seen;
    summary.retransmitted_bytes += seen;
  } else {
    c.ledger.overlapping_bytes += seen;
    summary.overlapping_bytes += seen;
    if (late) ++summary.out_of_order_packets;
  }
  if (truncated > 0) bytes_.TakeTruncated(c, at + payload.size(), truncated);
}

void TcpStream::EnforceLimits(const StreamContext& c) {
  const auto over_stream = [&] { return waiting().memory_bytes() > c.limits.stream_waiting_bytes; };
  const auto over_all = [&] { return c.all_waiting_bytes > c.limits.all_waiting_bytes; };
  while (!waiting().empty() && (over_stream() || over_all())) {
    if (holding()) {
      StartAtFirstWaiting(c);
    } else {
      bytes_.GiveUpHole(c, fin_, over_stream() ? GapReason::kStreamLimit : GapReason::kMemoryLimit);
    }
  }
}

}  // namespace flowstitch
