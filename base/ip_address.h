// An IPv4 or IPv6 address as a value. IPv4 uses the first four of the sixteen bytes, the rest are
// 0.
#ifndef FLOWSTITCH_BASE_IP_ADDRESS_H_
#define FLOWSTITCH_BASE_IP_ADDRESS_H_

#include <array>
#include <compare>
#include <cstdint>
#include <string>

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

  friend auto operator<=>(const IpAddress&, const IpAddress&) = default;
};

// "10.0.0.1" or RFC 5952 "2001:db8::1".
std::string FormatIpAddress(const IpAddress& address);

}  // namespace flowstitch

#endif  // FLOWSTITCH_BASE_IP_ADDRESS_H_
