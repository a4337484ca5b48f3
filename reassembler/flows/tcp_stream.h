// One direction of a connection: from segments in any order to stream bytes in order. Knows nothing
// of the other direction but what it acknowledges. All rules about holes, overlaps and the stream's
// two ends live here; rules about connections live in tcp_reassembler.cc.
//
//   origin            next          first pending        fin
//     |  delivered      |    hole      |#####|......|###|  |
//     offset 0
#ifndef FLOWSTITCH_REASSEMBLER_FLOWS_TCP_STREAM_H_
#define FLOWSTITCH_REASSEMBLER_FLOWS_TCP_STREAM_H_

#include <optional>
#include <vector>

#include "reassembler/flows/hole_clock.h"
#include "reassembler/flows/peer_view.h"
#include "reassembler/flows/sequence_space.h"
#include "reassembler/flows/stream_bytes.h"
#include "reassembler/flows/stream_context.h"
#include "reassembler/flows/unconfirmed_bytes.h"
#include "reassembler/frames/tcp_header.h"

namespace flowstitch {

class TcpStream {
 public:
  TcpStream() = default;
  ~TcpStream() = default;
  TcpStream(const TcpStream&) = delete;
  TcpStream& operator=(const TcpStream&) = delete;

  // Goes on where an earlier record of the same stream ended.
  void Resume(uint32_t next_sequence, uint64_t offset);

  // A SYN with the initial sequence number `isn` in this direction, with its payload, if any.
  // Payload of a SYN without Fast Open is delivered only when the peer accepts it.
  void OnSyn(const StreamContext& c, uint32_t isn, ByteView payload, bool fast_open,
             const Carrier& carrier);
  // Payload from `sequence` on, and how much more the capture cut off.
  void OnData(const StreamContext& c, uint32_t sequence, ByteView payload, uint32_t truncated,
              const Carrier& carrier);
  void OnFin(const StreamContext& c, uint32_t sequence_after_data);
  void OnReset(const StreamContext& c, uint32_t sequence);
  // A segment of the sender, with or without payload, that begins there.
  void OnSequence(const StreamContext& c, uint32_t sequence);
  // The peer has acknowledged everything before `acknowledgement`, and takes so many bytes more.
  void OnAcknowledged(const StreamContext& c, uint32_t acknowledgement, uint64_t window);
  // How much the sender of this stream says that it takes itself, in bytes.
  uint64_t WindowOf(const TcpHeader& tcp, bool is_syn);
  // The peer has the bytes from `left` to `right` (RFC 2018).
  void OnSack(const StreamContext& c, uint32_t left, uint32_t right);

  // Protection against wrapped sequence numbers (RFC 7323, 5.3): whether a segment is a late one
  // from 4 GiB before. Remembers the timestamp if not.
  bool IsStale(uint32_t sequence, uint32_t timestamp);

  // Gives up what has waited long enough. Returns when to look again; kTimeMax: not before more
  // comes.
  TimeNs CheckWaiting(const StreamContext& c);
  // The flow has ended: what waits is delivered behind gaps.
  void Finish(const StreamContext& c);
  // The flow is given up: what waits is dropped and counted.
  void Evict(const StreamContext& c);

  // Whether a RST with this number would be within the window.
  bool AcceptsReset(uint32_t sequence) const;
  // Whether the number could belong to this stream at all.
  bool Near(const TcpLimits& limits, uint32_t sequence) const;
  // How far the number lies from the newest one seen.
  uint64_t DistanceTo(uint32_t sequence) const;
  // Whether a SYN with this number is one of this very stream, repeated or late.
  bool IsOwnSyn(uint32_t isn) const;

  bool anchored() const { return space_.anchored(); }
  bool syn_seen() const { return summary().syn_seen; }
  bool fin_seen() const { return summary().fin_seen; }
  bool reset() const { return reset_; }
  bool untouched() const { return out().offset() == 0 && waiting().empty() && !fin_seen(); }
  // FIN seen and everything before it delivered.
  bool finished() const { return running() && fin_ != 0 && out().next() >= fin_; }
  // FIN seen, and every segment before it, though of some the end was cut off.
  bool seen_to_fin() const {
    return running() && fin_ != 0 && waiting().Reaches(out().next(), fin_);
  }
  uint32_t isn() const { return space_.SequenceOf(out().origin()) - 1; }
  uint32_t next_sequence() const { return space_.SequenceOf(std::max(out().next(), highest_)); }
  // Where an heir of this stream would go on.
  uint32_t resume() const { return space_.SequenceOf(out().next()); }
  // Offset of the next byte to be delivered.
  uint64_t offset() const { return out().offset(); }
  // The offset that a number means, where the stream can have come so far.
  std::optional<uint64_t> OffsetOf(const TcpLimits& limits, uint32_t number) const {
    if (!running() && !holding_) return std::nullopt;
    const Position at = space_.PositionOf(number);
    // While it waits for its beginning, that is most likely the first that was seen.
    const Position origin = running() ? out().origin() : Floor();
    if (at < origin || at > highest_ + limits.acknowledgement_lead_bytes) return std::nullopt;
    return at - origin;
  }
  void CountPacket(uint32_t wire_length, uint32_t captured_length, TimeNs time_ns);
  const StreamSummary& summary() const { return out().summary(); }

 private:
  void StartAt(const StreamContext& c, Position origin);
  void StartAtFirstWaiting(const StreamContext& c);
  void HoldFrom(const StreamContext& c, uint32_t sequence);
  void Restart(uint32_t isn);
  void SettleRival(uint32_t number);
  // A segment inside the stream, its window and its FIN.
  struct Piece {
    Position at;
    ByteView payload;
    uint32_t truncated;  // bytes behind it that the capture cut off
    Position end() const { return at + payload.size() + truncated; }
  };
  bool CutToStream(const StreamContext& c, Piece* piece);
  void TakePiece(const StreamContext& c, const Piece& piece, const Carrier& carrier);
  void EnforceLimits(const StreamContext& c);
  // The lowest position that is or may become part of the stream.
  Position Floor() const {
    if (running()) return out().next();
    return waiting().empty() ? highest_ : waiting().first();
  }
  Position Reach(const TcpLimits& limits) const {
    return peer_.Reach(highest_) + limits.window_slack_bytes;
  }
  void AcceptHeldSyn(const StreamContext& c);
  void DropHeldSyn(const StreamContext& c);
  bool HoldProbe(const StreamContext& c, const Piece& piece, const Carrier& carrier);
  void SettleProbeBefore(const StreamContext& c, Position at);
  void DropProbe(const StreamContext& c, uint64_t ReassemblyLedger::*where);

  StreamOutput& out() { return bytes_.out(); }
  const StreamOutput& out() const { return bytes_.out(); }
  WaitingBytes& waiting() { return bytes_.waiting(); }
  const WaitingBytes& waiting() const { return bytes_.waiting(); }

  bool running() const { return out().started(); }
  bool holding() const { return holding_ && !running(); }

  SequenceSpace space_;
  bool holding_ = false;  // data came without a SYN: it waits for data that lies earlier
  bool reset_ = false;
  uint8_t window_scale_ = 0;  // of the windows that this sender announces
  bool has_timestamp_ = false;
  uint32_t timestamp_ = 0;             // the newest of a segment in order
  std::optional<uint32_t> rival_isn_;  // of an earlier SYN, when the answer may mean either
  Position highest_ = kFirstPosition;  // behind all that was seen
  Position fin_ = 0;                   // 0: none
  Position reset_at_ = 0;
  StreamBytes bytes_;
  UnconfirmedBytes unconfirmed_;
  PeerView peer_;
  HoleClock hole_;
};

}  // namespace flowstitch

#endif  // FLOWSTITCH_REASSEMBLER_FLOWS_TCP_STREAM_H_
