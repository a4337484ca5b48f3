// The time that time-outs go by where an interface is among several sources. It goes no faster than
// this machine's clock, and each source moves it by as much as its own time goes on, whatever its
// date: none of them can end the others' flows by what it says of the time.
#ifndef FLOWSTITCH_REASSEMBLER_SOURCES_SOURCE_CLOCKS_H_
#define FLOWSTITCH_REASSEMBLER_SOURCES_SOURCE_CLOCKS_H_

#include <algorithm>
#include <cstdint>
#include <optional>
#include <vector>

#include "base/capture_time.h"

namespace flowstitch {

// How far a live source's clock may be ahead of this machine's.
inline constexpr int64_t kClockAheadNs = 2 * kNsPerSecond;

class SourceClocks {
 public:
  // The time goes on from `reached_ns`; kTimeMin: from the first frame's.
  explicit SourceClocks(TimeNs reached_ns) : reached_ns_(reached_ns) {}

  // The steady clock that frames are measured by from now on. The time can be behind it (frames are
  // late, or there are none) and may catch up, but not run ahead.
  void KeepPace(int64_t steady_ns) {
    steady_ns_ = steady_ns;
    if (!pace_ && reached_ns_ != kTimeMin) pace_ = Pace{reached_ns_, steady_ns};
  }

  // What a frame's time stamp counts as.
  TimeNs TimeOf(uint32_t source, TimeNs stamp_ns) {
    if (!pace_) pace_ = Pace{stamp_ns, steady_ns_};
    const TimeNs latest_ns = AddNs(pace_->from_ns, steady_ns_ - pace_->since_ns + kClockAheadNs);
    if (source >= offsets_.size()) offsets_.resize(source + 1, 0);
    TimeNs time_ns = AddNs(stamp_ns, offsets_[source]);
    // Its clock shows another date than those before, or was set: it goes on from here.
    if (time_ns > AddNs(latest_ns, kClockLeapNs) || AddNs(time_ns, kClockLeapNs) < reached_ns_) {
      offsets_[source] = NsBetween(stamp_ns, reached_ns_);
      time_ns = reached_ns_;
    }
    time_ns = std::min(time_ns, latest_ns);
    reached_ns_ = std::max(reached_ns_, time_ns);
    return time_ns;
  }

 private:
  struct Pace {
    TimeNs from_ns = 0;
    int64_t since_ns = 0;  // by the steady clock
  };

  int64_t steady_ns_ = 0;
  std::optional<Pace> pace_;
  TimeNs reached_ns_;
  std::vector<int64_t> offsets_;  // by source, from its stamps to the time
};

}  // namespace flowstitch

#endif  // FLOWSTITCH_REASSEMBLER_SOURCES_SOURCE_CLOCKS_H_
