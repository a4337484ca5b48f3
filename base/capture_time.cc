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

namespace {

// A report names the same second many times.
const std::string& SecondText(int64_t wanted) {
  thread_local int64_t second = 0;
  thread_local std::string text;
  if (text.empty() || second != wanted) {
    second = wanted;
    text =
        absl::FormatTime("%Y-%m-%dT%H:%M:%SZ", absl::FromUnixSeconds(wanted), absl::UTCTimeZone());
  }
  return text;
}

}  // namespace

std::string FormatIsoSeconds(TimeNs time_ns) { return SecondText(SplitTimeNs(time_ns).seconds); }

std::string FormatIsoTime(TimeNs time_ns) {
  const SplitTime split = SplitTimeNs(time_ns);
  const std::string& second = SecondText(split.seconds);
  if (split.nanoseconds == 0) return second;
  const bool microseconds = split.nanoseconds % 1000 == 0;
  const auto rest = static_cast<uint64_t>(split.nanoseconds);
  char fraction[24] = ".";
  char* end = microseconds ? WriteDecimal(fraction + 1, rest / 1000, 6)
                           : WriteDecimal(fraction + 1, rest, 9);
  *end++ = 'Z';
  std::string text;
  text.reserve(second.size() + sizeof(fraction));
  text.append(second, 0, second.size() - 1).append(fraction, end);
  return text;
}

}  // namespace flowstitch
