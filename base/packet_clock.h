// The time that a sequence of frames has reached: the highest so far, except that a stamp far from
// those before it is not believed until the next one confirms it. One frame whose clock was wrong
// would else end every time-out there is.
#ifndef FLOWSTITCH_BASE_PACKET_CLOCK_H_
#define FLOWSTITCH_BASE_PACKET_CLOCK_H_

#include <algorithm>
#include <optional>

#include "base/capture_time.h"

namespace flowstitch {

class PacketClock {
 public:
  struct Habits {
    bool doubts_first = false;  // the first stamp needs another to confirm it, like a leap
    bool follows_back = false;  // two far behind are another clock, and the time goes back to it
  };
  explicit PacketClock(Habits habits) : habits_(habits) {}

  void Note(TimeNs time_ns) {
    const bool first = !started_;
    started_ = true;
    const bool ahead = first || now_ns_ == kTimeMin ? habits_.doubts_first
                                                    : time_ns > AddNs(now_ns_, kClockLeapNs);
    // Until a second stamp has been near the first, that one may be the wrong one.
    const bool behind =
        (habits_.follows_back || !settled_) && AddNs(time_ns, kClockLeapNs) < now_ns_;
    if (!ahead && !behind) {
      settled_ = !first;
      now_ns_ = std::max(now_ns_, time_ns);
      doubtful_ns_.reset();
      return;
    }
    const bool confirmed = doubtful_ns_ && time_ns <= AddNs(*doubtful_ns_, kClockLeapNs) &&
                           *doubtful_ns_ <= AddNs(time_ns, kClockLeapNs);
    if (!confirmed) {
      doubtful_ns_ = time_ns;
      return;
    }
    settled_ = true;
    now_ns_ = std::max(*doubtful_ns_, time_ns);
    doubtful_ns_.reset();
  }
  // kTimeMin before the first believed one.
  TimeNs now_ns() const { return now_ns_; }
  // The same, if the stamp that waits for confirmation is right: what happens at that stamp must
  // not look old when it is.
  TimeNs latest_ns() const { return doubtful_ns_ ? std::max(now_ns_, *doubtful_ns_) : now_ns_; }

 private:
  const Habits habits_;
  bool started_ = false;
  bool settled_ = false;
  TimeNs now_ns_ = kTimeMin;
  std::optional<TimeNs> doubtful_ns_;  // the stamp that waits for confirmation
};

}  // namespace flowstitch

#endif  // FLOWSTITCH_BASE_PACKET_CLOCK_H_
