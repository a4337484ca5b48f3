// What was given out of a stream: its bytes and gaps, in order, and what contradicts them.
#ifndef FLOWSTITCH_REASSEMBLER_FLOWS_STREAM_OUTPUT_H_
#define FLOWSTITCH_REASSEMBLER_FLOWS_STREAM_OUTPUT_H_

#include <memory>
#include <optional>
#include <vector>

#include "base/stream_summary.h"
#include "reassembler/flows/pending_bytes.h"
#include "reassembler/flows/sequence_space.h"
#include "reassembler/flows/stream_context.h"

namespace flowstitch {

class StreamOutput {
 public:
  // The stream begins, and goes on at `next`. Conflicts that waited for their offsets are told.
  void Start(const StreamContext& c, Position origin);
  // It goes on where an earlier record of it ended.
  void Resume(uint64_t offset);
  // It begins elsewhere: nothing was given out so far.
  void Restart() { origin_ = next_ = kFirstPosition; }

  bool started() const { return started_; }
  Position origin() const { return origin_; }
  Position next() const { return next_; }  // of the next byte to be given out
  uint64_t offset() const { return next_ - origin_; }

  void Deliver(const StreamContext& c, ByteView bytes, const Carrier& carrier);
  void EmitGap(const StreamContext& c, uint64_t length, GapReason reason);

  // Bytes that are there already: those that count, and those that do not.
  void OnSeen(const StreamContext& c, Position at, ByteView kept, ByteView dropped, TimeNs time_ns);
  // Bytes that were given out already cannot be undone; that others come is told all the same.
  void CompareDelivered(const StreamContext& c, Position at, ByteView bytes, TimeNs time_ns);
  // How many of the bytes lie in gaps, of the last ones.
  uint64_t BytesInGaps(Position at, uint64_t length) const;

  StreamSummary& summary() { return summary_; }
  const StreamSummary& summary() const { return summary_; }

 private:
  struct HeldConflict {
    Position at;
    uint64_t length;
    std::vector<uint8_t> kept, dropped;
    TimeNs time_ns;
  };
  // What most streams never need.
  struct Rare {
    std::vector<HeldConflict> held_conflicts;  // until the stream's first byte is known
    std::vector<Extent> gaps;                  // the last ones
  };
  Rare& rare() {
    if (rare_ == nullptr) rare_ = std::make_unique<Rare>();
    return *rare_;
  }
  void Report(const StreamContext& c, const HeldConflict& conflict) const;

  bool started_ = false;
  Position origin_ = kFirstPosition;
  Position next_ = kFirstPosition;
  uint64_t delivered_mark_ = 0;  // in the DeliveredWindow
  StreamSummary summary_;
  std::unique_ptr<Rare> rare_;
};

}  // namespace flowstitch

#endif  // FLOWSTITCH_REASSEMBLER_FLOWS_STREAM_OUTPUT_H_
