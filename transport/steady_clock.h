// The clock of the link's intervals.
#ifndef FLOWSTITCH_TRANSPORT_STEADY_CLOCK_H_
#define FLOWSTITCH_TRANSPORT_STEADY_CLOCK_H_

#include <cstdint>

namespace flowstitch {

// Nanoseconds of a steady clock, for the link's intervals.
int64_t SteadyNowNs();

}  // namespace flowstitch

#endif  // FLOWSTITCH_TRANSPORT_STEADY_CLOCK_H_
