#include "tests/support/lossy_network.h"

namespace flowstitch::testing {

void LossyNetwork::Send(int towards, WireMessage message, int64_t now_ns) {
  std::uniform_real_distribution<double> chance(0, 1);
  const int copies = chance(random_) < faults_.repeat ? 2 : 1;
  for (int i = 0; i < copies; ++i) {
    if (chance(random_) < faults_.loss) continue;
    const int64_t jitter =
        faults_.jitter_ns > 0
            ? static_cast<int64_t>(random_() % static_cast<uint64_t>(faults_.jitter_ns))
            : 0;
    on_the_way_.emplace(now_ns + faults_.delay_ns + jitter, std::pair{towards, message});
  }
}

void LossyNetwork::Deliver(int64_t now_ns,
                           const std::function<void(int towards, const WireMessage&)>& take) {
  while (!on_the_way_.empty() && on_the_way_.begin()->first <= now_ns) {
    const auto [towards, message] = on_the_way_.begin()->second;
    on_the_way_.erase(on_the_way_.begin());
    take(towards, message);
  }
}

}  // namespace flowstitch::testing
