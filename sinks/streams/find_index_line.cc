#include "sinks/streams/find_index_line.h"

#include "absl/strings/str_format.h"

namespace flowstitch {

std::string FindIndexLine(uint64_t offset, TimeNs time_ns, uint64_t bytes) {
  const SplitTime time = SplitTimeNs(time_ns);
  return absl::StrFormat("%d|%d.%06d|%d", offset, time.seconds, time.nanoseconds / 1000, bytes);
}

}  // namespace flowstitch
