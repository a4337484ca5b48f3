// Capture time: signed nanoseconds since 1970-01-01T00:00:00Z, as the sensor stamped the frame. It
// is foreign data: it may be zero, go backwards, or lie beyond 2106. No code here or above reads a
// clock.
#ifndef FLOWSTITCH_BASE_CAPTURE_TIME_H_
#define FLOWSTITCH_BASE_CAPTURE_TIME_H_

#include <cstdint>
#include <limits>
#include <string>
#include <string_view>

namespace flowstitch {

using TimeNs = int64_t;

inline constexpr TimeNs kNsPerSecond = 1'000'000'000;
inline constexpr TimeNs kNsPerMs = 1'000'000;
inline constexpr TimeNs kTimeMin = std::numeric_limits<TimeNs>::min();
inline constexpr TimeNs kTimeMax = std::numeric_limits<TimeNs>::max();

// Seconds and fraction to nanoseconds; what does not fit is clamped, never wrapped.
TimeNs MakeTimeNs(int64_t seconds, int64_t nanoseconds);

// A time stamp that is further ahead of those around it is that of a clock gone wrong.
inline constexpr int64_t kClockLeapNs = 60 * kNsPerSecond;

// Sum of a time and a span, clamped at both ends.
TimeNs AddNs(TimeNs time_ns, int64_t span_ns);
// The span from one time to another, clamped at both ends; negative when `to` is the earlier.
int64_t NsBetween(TimeNs from, TimeNs to);

// Whole seconds, rounded down, and the rest in [0, 999999999].
struct SplitTime {
  int64_t seconds;
  int32_t nanoseconds;
};
SplitTime SplitTimeNs(TimeNs time_ns);

// "2008-10-06T16:12:33.123456Z": UTC with a fraction of 6 digits, or of 9 where microseconds do not
// tell it, or with none where it is 0. This is tcpflow's form in DFXML, widened to nanoseconds.
// Made in place: a report has several for each flow.
class IsoTime {
 public:
  explicit IsoTime(TimeNs time_ns);
  IsoTime(const IsoTime&) = delete;
  IsoTime& operator=(const IsoTime&) = delete;
  // Valid as long as this is.
  std::string_view view() const { return {text_, end_}; }

 private:
  char text_[48];  // the seconds' 20, and what WriteDecimal wants for the fraction
  const char* end_;
};

// "2008-10-06T16:12:33Z": without a fraction.
std::string FormatIsoSeconds(TimeNs time_ns);

}  // namespace flowstitch

#endif  // FLOWSTITCH_BASE_CAPTURE_TIME_H_
