// What names a flow: protocol and two endpoints. The key is canonical (the lower endpoint first),
// so both directions of a connection find the same flow; which endpoint spoke is a separate bit.
#ifndef FLOWSTITCH_BASE_FLOW_KEY_H_
#define FLOWSTITCH_BASE_FLOW_KEY_H_

#include <compare>
#include <cstdint>

#include "base/ip_address.h"

namespace flowstitch {

struct Endpoint {
  IpAddress address;
  uint16_t port = 0;

  friend auto operator<=>(const Endpoint&, const Endpoint&) = default;
};

struct FlowKey {
  Endpoint low;
  Endpoint high;
  uint8_t protocol = 6;  // IP's number
  uint32_t scope = 0;    // a hash of what else belongs to the identity; 0: nothing

  friend bool operator==(const FlowKey&, const FlowKey&) = default;

  template <typename H>
  friend H AbslHashValue(H h, const FlowKey& key) {
    const uint64_t rest = uint64_t{key.low.port} << 48 | uint64_t{key.high.port} << 32 | key.scope;
    const auto kinds = static_cast<uint64_t>(key.low.address.family) << 8 | key.protocol;
    h = H::combine(std::move(h), key.low.address.half(0), key.high.address.half(0), rest);
    // IPv4 addresses fit in the first halves.
    if (key.low.address.family == IpFamily::kIpv4) return H::combine(std::move(h), kinds);
    return H::combine(std::move(h), key.low.address.half(1), key.high.address.half(1), kinds);
  }
};

struct KeyedDirection {
  FlowKey key;
  bool from_high = false;  // the sender is `key.high`
};

KeyedDirection MakeFlowKey(const Endpoint& source, const Endpoint& destination);

// The finisher of SplitMix64 (Steele, Lea, Flood 2014): every input bit reaches every output bit.
uint64_t MixBits(uint64_t x);

// A 64-bit hash that is the same in every process and on every machine, and the same for both
// directions. Shards and sink workers divide flows by it; it is not for hash tables, since a
// stranger can compute it.
uint64_t SymmetricHash(const FlowKey& key);
uint64_t SymmetricAddressHash(const IpAddress& a, const IpAddress& b);

}  // namespace flowstitch

#endif  // FLOWSTITCH_BASE_FLOW_KEY_H_
