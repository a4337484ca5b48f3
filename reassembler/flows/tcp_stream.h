// One direction of a connection: from segments in any order to stream bytes in order. Knows nothing
// of the other direction but what it acknowledges. All rules about holes, overlaps and the stream's
// two ends live here; rules about connections live in tcp_reassembler.cc.
//
//   origin            next          first pending        fin
//     |  delivered      |    hole      |#####|......|###|  |
//     offset 0
#ifndef FLOWSTITCH_REASSEMBLER_FLOWS_TCP_STREAM_H_
#define FLOWSTITCH_REASSEMBLER_FLOWS_TCP_STREAM_H_

#include <algorithm>
#include <memory>
#include <optional>
#include <vector>

#include "base/ledger.h"
#include "reassembler/flows/delivered_window.h"
#include "reassembler/flows/pending_bytes.h"
#include "reassembler/flows/sequence_space.h"
#include "reassembler/flows/stream_events.h"
#include "reassembler/flows/tcp_limits.h"
#include "reassembler/frames/tcp_header.h"

namespace flowstitch {

class TcpStream;

// What a stream works with and does not own; made for each call.
struct StreamContext {
  FlowId flow;
  Direction direction;
  const TcpLimits& limits;
  const TcpStream& peer;  // the other direction
  StreamEvents& events;
  ReassemblyLedger& ledger;
  size_t& all_waiting_bytes;  // memory of the pending bytes of all streams
  DeliveredWindow& delivered;
  TimeNs now_ns;    // that time-outs go by
  TimeNs stamp_ns;  // the highest capture time so far
  // Whether more of a segment that was cut off may still come.
  bool may_be_filled = true;
  bool rest_of_segment = false;  // what a longer copy has more: no question to the peer
};

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
  bool syn_seen() const { return summary_.syn_seen; }
  bool fin_seen() const { return summary_.fin_seen; }
  bool reset() const { return reset_; }
  bool untouched() const { return next_ == origin_ && pending_.empty() && !fin_seen(); }
  // FIN seen and everything before it delivered.
  bool finished() const { return start_ == Start::kRunning && fin_ != 0 && next_ >= fin_; }
  // FIN seen, and every segment before it, though of some the end was cut off.
  bool seen_to_fin() const {
    return start_ == Start::kRunning && fin_ != 0 && pending_.Reaches(next_, fin_);
  }
  uint32_t isn() const { return space_.SequenceOf(origin_) - 1; }
  uint32_t next_sequence() const { return space_.SequenceOf(next_ > highest_ ? next_ : highest_); }
  // Where an heir of this stream would go on.
  uint32_t resume() const { return space_.SequenceOf(next_); }
  // Offset of the next byte to be delivered.
  uint64_t offset() const { return next_ - origin_; }
  // The offset that a number means, where the stream can have come so far.
  std::optional<uint64_t> OffsetOf(const TcpLimits& limits, uint32_t number) const {
    if (start_ == Start::kUnknown) return std::nullopt;
    const Position at = space_.PositionOf(number);
    // While it waits for its beginning, that is most likely the first that was seen.
    const Position origin = start_ == Start::kRunning ? origin_ : Floor();
    if (at < origin || at > highest_ + limits.acknowledgement_lead_bytes) return std::nullopt;
    return at - origin;
  }
  void CountPacket(uint32_t wire_length, uint32_t captured_length, TimeNs time_ns);
  const StreamSummary& summary() const { return summary_; }

 private:
  enum class Start : uint8_t {
    kUnknown,  // nothing seen
    kHolding,  // data without a SYN: waits for data that lies earlier
    kRunning,
  };
  struct HeldConflict {
    Position at;
    uint64_t length;
    std::vector<uint8_t> kept, dropped;
    TimeNs time_ns;
  };
  // A byte sent into a closed window: the stream has it when the peer acknowledges it.
  struct Probe {
    Position at;
    uint8_t byte;
    Carrier carrier;
  };
  // What most streams never need.
  struct Rare {
    std::vector<uint8_t> held_syn;
    std::vector<HeldConflict> held_conflicts;
    std::vector<Extent> gaps;           // the last ones
    std::optional<uint32_t> rival_isn;  // of an earlier SYN, when the answer may mean either
    std::optional<Probe> probe;
  };

  Rare& rare() {
    if (rare_ == nullptr) rare_ = std::make_unique<Rare>();
    return *rare_;
  }
  bool holds_syn() const { return rare_ != nullptr && !rare_->held_syn.empty(); }
  bool holds_probe() const { return rare_ != nullptr && rare_->probe.has_value(); }

  void StartAt(const StreamContext& c, Position origin);
  void StartAtFirstPending(const StreamContext& c);
  void HoldFrom(const StreamContext& c, uint32_t sequence);
  void Restart(uint32_t isn);
  void SettleRival(uint32_t number);
  void Deliver(const StreamContext& c, ByteView bytes, const Carrier& carrier);
  void EmitGap(const StreamContext& c, uint64_t length, GapReason reason, TimeNs time_ns);
  void DrainPending(const StreamContext& c);
  void GiveUpHole(const StreamContext& c, GapReason reason);
  size_t Store(const StreamContext& c, Position at, ByteView bytes, const Carrier& carrier);
  size_t Take(const StreamContext& c, Position at, ByteView bytes, const Carrier& carrier);
  void TakeTruncated(const StreamContext& c, Position at, uint32_t length);
  void CompareDelivered(const StreamContext& c, Position at, ByteView bytes, TimeNs time_ns);
  uint64_t BytesInGaps(Position at, uint64_t length) const;
  void OnSeen(const StreamContext& c, Position at, ByteView kept, ByteView dropped, TimeNs time_ns);
  void Report(const StreamContext& c, const HeldConflict& conflict);
  void EnforceLimits(const StreamContext& c);
  void NotePending(const StreamContext& c, size_t memory_before, size_t payload_before);
  // The lowest position that is or may become part of the stream.
  Position Floor() const {
    if (start_ == Start::kRunning) return next_;
    return pending_.empty() ? highest_ : pending_.first();
  }
  Position Reach(const TcpLimits& limits) const {
    return std::max({highest_, acknowledged_, doubtful_ack_}) + limits.window_slack_bytes;
  }
  std::vector<uint8_t> TakeHeldSyn(const StreamContext& c);
  void AcceptHeldSyn(const StreamContext& c);
  void DropHeldSyn(const StreamContext& c);
  bool HoldProbe(const StreamContext& c, Position at, ByteView payload, uint32_t truncated,
                 const Carrier& carrier);
  void SettleProbe(const StreamContext& c, bool accepted, uint64_t ReassemblyLedger::*otherwise);

  static constexpr uint64_t kUnknownWindow = UINT64_MAX;
  bool window_closed() const { return window_ == 0; }

  SequenceSpace space_;
  Start start_ = Start::kUnknown;
  bool reset_ = false;
  uint8_t window_scale_ = 0;  // of the windows that this sender announces
  bool has_timestamp_ = false;
  uint32_t timestamp_ = 0;  // the newest of a segment in order
  Position origin_ = kFirstPosition;
  Position next_ = kFirstPosition;
  Position highest_ = kFirstPosition;
  Position acknowledged_ = 0;         // 0: nothing so far
  Position doubtful_ack_ = 0;         // beyond what was seen, said once; 0: none
  uint64_t window_ = kUnknownWindow;  // what the peer takes beyond that
  Position fin_ = 0;                  // 0: none
  Position reset_at_ = 0;
  Position sacked_hole_ = 0;  // the `next_` whose hole the peer has, says a SACK block; 0: none
  Position sacked_end_ = 0;   // the highest end of a SACK block
  PendingBytes pending_;
  Position hole_at_ = 0;  // the `next_` that hole_since_ns_ belongs to
  TimeNs hole_since_ns_ = 0;
  TimeNs hole_acknowledged_ns_ = kTimeMax;
  uint64_t delivered_mark_ = 0;
  StreamSummary summary_;
  std::unique_ptr<Rare> rare_;
};

}  // namespace flowstitch

#endif  // FLOWSTITCH_REASSEMBLER_FLOWS_TCP_STREAM_H_
