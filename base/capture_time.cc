#include "base/capture_time.h"

#include <algorithm>

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

char* WriteIsoTime(char* at, TimeNs time_ns) {
  const SplitTime split = SplitTimeNs(time_ns);
  const std::string& second = SecondText(split.seconds);
  if (split.nanoseconds == 0) return std::copy(second.begin(), second.end(), at);
  at = std::copy(second.begin(), second.end() - 1, at);
  *at++ = '.';
  const auto rest = static_cast<uint64_t>(split.nanoseconds);
  at = rest % 1000 == 0 ? WriteDecimal(at, rest / 1000, 6) : WriteDecimal(at, rest, 9);
  *at++ = 'Z';
  return at;
}

std::string FormatIsoTime(TimeNs time_ns) {
  char text[kIsoTimeBytes];
  return {text, WriteIsoTime(text, time_ns)};
}

}  // namespace flowstitch
