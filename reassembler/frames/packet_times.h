// The times that the frames so far have brought a reassembler to.
#ifndef FLOWSTITCH_REASSEMBLER_FRAMES_PACKET_TIMES_H_
#define FLOWSTITCH_REASSEMBLER_FRAMES_PACKET_TIMES_H_

#include "base/capture_time.h"

namespace flowstitch {

struct PacketTimes {
  TimeNs now_ns = kTimeMin;     // that time-outs go by
  TimeNs latest_ns = kTimeMin;  // what it may turn out to be; see PacketClock
  TimeNs stamp_ns = kTimeMin;   // the highest capture time, for what is told of the flows
};

}  // namespace flowstitch

#endif  // FLOWSTITCH_REASSEMBLER_FRAMES_PACKET_TIMES_H_
