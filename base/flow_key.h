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
    h = H::combine_contiguous(std::move(h), key.low.address.bytes.data(), 16);
    h = H::combine_contiguous(std::move(h), key.high.address.bytes.data(), 16);
    return H::combine(std::move(h), key.low.port, key.high.port,
                      static_cast<uint8_t>(key.low.address.family), key.protocol, key.scope);
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
