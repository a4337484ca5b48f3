// A network between a LinkSender and a LinkReceiver that loses, repeats and reorders messages by a
// seed, in virtual time.
#ifndef FLOWSTITCH_TESTS_SUPPORT_LOSSY_NETWORK_H_
#define FLOWSTITCH_TESTS_SUPPORT_LOSSY_NETWORK_H_

#include <functional>
#include <map>
#include <random>

#include "proto/link.pb.h"
#include "transport/link/wire_message.h"

namespace flowstitch::testing {

struct NetworkFaults {
  double loss = 0;
  double repeat = 0;
  int64_t delay_ns = 1'000'000;
  int64_t jitter_ns = 0;  // more than the gap between two messages reorders them
};

class LossyNetwork {
 public:
  LossyNetwork(uint64_t seed, NetworkFaults faults) : random_(seed), faults_(faults) {}

  // Towards 0 or 1.
  void Send(int towards, WireMessage message, int64_t now_ns);
  // Gives out what has arrived by `now_ns`.
  void Deliver(int64_t now_ns, const std::function<void(int towards, const WireMessage&)>& take);
  // Everything on its way is lost, as when a connection breaks.
  void Cut() { on_the_way_.clear(); }
  void set_faults(const NetworkFaults& faults) { faults_ = faults; }

 private:
  std::mt19937_64 random_;
  NetworkFaults faults_;
  std::multimap<int64_t, std::pair<int, WireMessage>> on_the_way_;
};

}  // namespace flowstitch::testing

#endif  // FLOWSTITCH_TESTS_SUPPORT_LOSSY_NETWORK_H_
