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

int64_t NsBetween(TimeNs from, TimeNs to) {
  int64_t span = 0;
  if (__builtin_sub_overflow(to, from, &span)) return from < to ? kTimeMax : kTimeMin;
  return span;
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

IsoTime::IsoTime(TimeNs time_ns) {
  const SplitTime split = SplitTimeNs(time_ns);
  const std::string& second = SecondText(split.seconds);
  char* end = std::copy(second.begin(), second.end(), text_);
  if (split.nanoseconds != 0) {
    end[-1] = '.';  // where the Z was
    const auto rest = static_cast<uint64_t>(split.nanoseconds);
    end = rest % 1000 == 0 ? WriteDecimal(end, rest / 1000, 6) : WriteDecimal(end, rest, 9);
    *end++ = 'Z';
  }
  end_ = end;
}

}  // namespace flowstitch
