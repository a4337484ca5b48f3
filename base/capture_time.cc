#include "base/capture_time.h"

#include "absl/time/time.h"
#include "base/decimal.h"

namespace flowstitch {

TimeNs MakeTimeNs(int64_t seconds, int64_t nanoseconds) {
  int64_t scaled = 0;
  if (__builtin_mul_overflow(seconds, kNsPerSecond, &scaled)) {
    return seconds < 0 ? kTimeMin : kTimeMax;
  }
  return AddNs(scaled, nanoseconds);
}

TimeNs AddNs(TimeNs time_ns, int64_t span_ns) {
  int64_t sum = 0;
  if (__builtin_add_overflow(time_ns, span_ns, &sum)) return span_ns < 0 ? kTimeMin : kTimeMax;
  return sum;
}

SplitTime SplitTimeNs(TimeNs time_ns) {
  int64_t seconds = time_ns / kNsPerSecond;
  int64_t rest = time_ns % kNsPerSecond;
  if (rest < 0) {
    --seconds;
    rest += kNsPerSecond;
  }
  return {seconds, static_cast<int32_t>(rest)};
}

std::string FormatIsoSeconds(TimeNs time_ns) {
  // A report names the same second many times.
  thread_local int64_t second = 0;
  thread_local std::string text;
  const int64_t wanted = SplitTimeNs(time_ns).seconds;
  if (text.empty() || second != wanted) {
    second = wanted;
    text =
        absl::FormatTime("%Y-%m-%dT%H:%M:%SZ", absl::FromUnixSeconds(wanted), absl::UTCTimeZone());
  }
  return text;
}

std::string FormatIsoTime(TimeNs time_ns) {
  const int32_t rest = SplitTimeNs(time_ns).nanoseconds;
  std::string text = FormatIsoSeconds(time_ns);
  if (rest == 0) return text;
  text.back() = '.';
  const bool microseconds = rest % 1000 == 0;
  AppendDecimal(&text, static_cast<uint64_t>(microseconds ? rest / 1000 : rest),
                microseconds ? 6 : 9);
  text += 'Z';
  return text;
}

}  // namespace flowstitch
