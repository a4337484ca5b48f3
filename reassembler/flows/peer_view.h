// What a stream's receiver says of it: how far it has it, how much more it takes, and what it has
// behind a hole.
#ifndef FLOWSTITCH_REASSEMBLER_FLOWS_PEER_VIEW_H_
#define FLOWSTITCH_REASSEMBLER_FLOWS_PEER_VIEW_H_

#include <algorithm>

#include "reassembler/flows/sequence_space.h"

namespace flowstitch {

class PeerView {
 public:
  static constexpr uint64_t kUnknownWindow = UINT64_MAX;

  void Restart() { acknowledged_ = 0; }
  void SetWindow(uint64_t bytes) { window_ = bytes; }
  // Everything before `at` is there. Of what lies beyond `highest`, and nobody has seen yet, it is
  // believed when it is said twice, or when it comes.
  void OnAcknowledged(Position at, Position highest) {
    if (at > highest && at != doubtful_ && (doubtful_ == 0 || at < doubtful_)) {
      doubtful_ = at;
    } else if (at > highest) {
      acknowledged_ = std::max(acknowledged_, doubtful_);
      doubtful_ = at == doubtful_ ? 0 : at;
    } else {
      acknowledged_ = std::max(acknowledged_, at);
    }
  }
  void OnSeen(Position highest) {
    if (doubtful_ == 0 || doubtful_ > highest) return;
    acknowledged_ = std::max(acknowledged_, doubtful_);
    doubtful_ = 0;
  }
  // A SACK block ends at `end` (RFC 2018); `hole`: it fills the one that begins there, 0: none.
  void OnSack(Position end, Position hole) {
    sacked_end_ = std::max(sacked_end_, end);
    if (hole != 0) sacked_hole_ = hole;
  }

  Position acknowledged() const { return acknowledged_; }  // 0: nothing so far
  Position sacked_end() const { return sacked_end_; }      // the highest of a block
  bool window_closed() const { return window_ == 0; }
  bool knows_window() const { return window_ != kUnknownWindow; }
  // Where what it takes ends; only where the window is known.
  Position WindowEnd(Position highest) const { return std::max(highest, acknowledged_ + window_); }
  // The highest number that is known to have been sent.
  Position Reach(Position highest) const { return std::max({highest, acknowledged_, doubtful_}); }
  // Whether the receiver has what lies in a hole.
  bool Has(Position hole, Position hole_end) const {
    return std::max(acknowledged_, doubtful_) >= hole_end || sacked_hole_ == hole;
  }

 private:
  Position acknowledged_ = 0;
  Position doubtful_ = 0;             // beyond what was seen, said once; 0: none
  uint64_t window_ = kUnknownWindow;  // what it takes beyond what it has
  Position sacked_hole_ = 0;          // where the hole begins that a block fills; 0: none
  Position sacked_end_ = 0;
};

}  // namespace flowstitch

#endif  // FLOWSTITCH_REASSEMBLER_FLOWS_PEER_VIEW_H_
