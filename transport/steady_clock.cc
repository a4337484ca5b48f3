#include "transport/steady_clock.h"

#include <chrono>

namespace flowstitch {

int64_t SteadyNowNs() {
  return std::chrono::duration_cast<std::chrono::nanoseconds>(
             std::chrono::steady_clock::now().time_since_epoch())
      .count();
}

}  // namespace flowstitch
