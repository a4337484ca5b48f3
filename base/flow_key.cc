#include "base/flow_key.h"

#include <algorithm>

namespace flowstitch {
namespace {

uint64_t Absorb(uint64_t state, const IpAddress& address) {
  uint64_t words[2];
  std::memcpy(words, address.bytes.data(), sizeof(words));
  state = MixBits(state ^ words[0]);
  return MixBits(state ^ words[1] ^ static_cast<uint64_t>(address.family));
}

}  // namespace

uint64_t MixBits(uint64_t x) {
  x ^= x >> 30;
  x *= 0xbf58476d1ce4e5b9ULL;
  x ^= x >> 27;
  x *= 0x94d049bb133111ebULL;
  x ^= x >> 31;
  return x;
}

KeyedDirection MakeFlowKey(const Endpoint& source, const Endpoint& destination) {
  if (destination < source) return {{destination, source}, true};
  return {{source, destination}, false};
}

uint64_t SymmetricAddressHash(const IpAddress& a, const IpAddress& b) {
  return Absorb(Absorb(0x666c6f7773746974ULL, std::min(a, b)), std::max(a, b));
}

uint64_t SymmetricHash(const FlowKey& key) {
  const uint64_t ports = (uint64_t{key.low.port} << 16) | key.high.port;
  return MixBits(Absorb(Absorb(0x666c6f7773746974ULL, key.low.address), key.high.address) ^ ports);
}

}  // namespace flowstitch
