// An IPv4 or IPv6 address as a value. IPv4 uses the first four of the sixteen bytes, the rest are
// 0.
#ifndef FLOWSTITCH_BASE_IP_ADDRESS_H_
#define FLOWSTITCH_BASE_IP_ADDRESS_H_

#include <array>
#include <compare>
#include <cstdint>
#include <string>
#include <utility>

#include "base/bytes.h"

namespace flowstitch {

enum class IpFamily : uint8_t { kIpv4 = 4, kIpv6 = 6 };

struct IpAddress {
  std::array<uint8_t, 16> bytes = {};
  IpFamily family = IpFamily::kIpv4;

  // `p` points at 4 or 16 readable bytes.
  static IpAddress FromIpv4(const uint8_t* p);
  static IpAddress FromIpv6(const uint8_t* p);

  // The 4 or 16 bytes in network order.
  ByteView wire() const {
    return {bytes.data(), family == IpFamily::kIpv4 ? size_t{4} : size_t{16}};
  }

  // Half of the sixteen bytes, 0 or 1, as a number that sorts as they do.
  uint64_t half(size_t i) const {
    uint64_t word;
    std::memcpy(&word, bytes.data() + i * 8, sizeof(word));
    return __builtin_bswap64(word);
  }

  template <typename H>
  friend H AbslHashValue(H h, const IpAddress& address) {
    return H::combine(std::move(h), address.half(0), address.half(1), address.family);
  }

  // By bytes, then by family. Written out: a comparison of arrays is a call of memcmp.
  friend bool operator==(const IpAddress& a, const IpAddress& b) {
    return a.half(0) == b.half(0) && a.half(1) == b.half(1) && a.family == b.family;
  }
  friend std::strong_ordering operator<=>(const IpAddress& a, const IpAddress& b) {
    if (const auto order = a.half(0) <=> b.half(0); order != 0) return order;
    if (const auto order = a.half(1) <=> b.half(1); order != 0) return order;
    return a.family <=> b.family;
  }
};

// "10.0.0.1" or RFC 5952 "2001:db8::1".
std::string FormatIpAddress(const IpAddress& address);
// Of IPv4, each number with at least so many digits, 1 to 3.
std::string FormatDotted(const IpAddress& address, int digits);

}  // namespace flowstitch

#endif  // FLOWSTITCH_BASE_IP_ADDRESS_H_
