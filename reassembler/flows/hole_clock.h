// How long a stream waits for its first hole to be filled.
#ifndef FLOWSTITCH_REASSEMBLER_FLOWS_HOLE_CLOCK_H_
#define FLOWSTITCH_REASSEMBLER_FLOWS_HOLE_CLOCK_H_

#include "reassembler/flows/sequence_space.h"
#include "reassembler/flows/tcp_limits.h"

namespace flowstitch {

class HoleClock {
 public:
  // Data came without a beginning.
  void Begin(TimeNs now_ns) { since_ns_ = now_ns; }
  TimeNs since_ns() const { return since_ns_; }

  // Looks at the hole that begins at `at`. `cut_ns`: when what was cut off there was seen; null: it
  // is another hole. Where each segment was cut, each hole waits from when it was seen, not from
  // when those before it were given up: else a stream would fall behind for ever.
  void LookAt(Position at, const TimeNs* cut_ns, TimeNs now_ns) {
    if (at_ == at) return;
    at_ = at;
    since_ns_ = cut_ns != nullptr ? *cut_ns : now_ns;
    acknowledged_ns_ = cut_ns != nullptr ? *cut_ns : kTimeMax;
  }
  // When it is given up: at once where the receiver has it and `waiting_bytes` are enough.
  TimeNs Deadline(const TcpLimits& limits, bool acknowledged, size_t waiting_bytes, TimeNs now_ns) {
    if (!acknowledged) return AddNs(since_ns_, limits.unacknowledged_grace_ns);
    if (acknowledged_ns_ == kTimeMax) acknowledged_ns_ = now_ns;
    if (waiting_bytes >= limits.acknowledged_grace_bytes) return now_ns;
    return AddNs(acknowledged_ns_, limits.acknowledged_grace_ns);
  }

 private:
  Position at_ = 0;  // of the hole that the times are of
  TimeNs since_ns_ = 0;
  TimeNs acknowledged_ns_ = kTimeMax;  // since when the receiver has it
};

}  // namespace flowstitch

#endif  // FLOWSTITCH_REASSEMBLER_FLOWS_HOLE_CLOCK_H_
