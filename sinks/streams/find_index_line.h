// One line of an index of a stream or of a conversation: tcpflow's -I.
#ifndef FLOWSTITCH_SINKS_STREAMS_FIND_INDEX_LINE_H_
#define FLOWSTITCH_SINKS_STREAMS_FIND_INDEX_LINE_H_

#include <cstdint>
#include <string>

#include "base/capture_time.h"

namespace flowstitch {

// "OFFSET|SECONDS.MICROSECONDS|BYTES", without the end of the line.
std::string FindIndexLine(uint64_t offset, TimeNs time_ns, uint64_t bytes);

}  // namespace flowstitch

#endif  // FLOWSTITCH_SINKS_STREAMS_FIND_INDEX_LINE_H_
