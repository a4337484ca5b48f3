#include "base/ip_address.h"

#include <arpa/inet.h>

namespace flowstitch {
namespace {

// With zeros in front to so many digits.
char* WriteByte(char* at, uint8_t value, int digits) {
  const auto digit = [&at](int d) { *at++ = static_cast<char>('0' + d); };
  if (digits >= 3 || value >= 100) digit(value / 100);
  if (digits >= 2 || value >= 10) digit(value / 10 % 10);
  digit(value % 10);
  return at;
}

}  // namespace

IpAddress IpAddress::FromIpv4(const uint8_t* p) {
  IpAddress address;
  std::memcpy(address.bytes.data(), p, 4);
  return address;
}

IpAddress IpAddress::FromIpv6(const uint8_t* p) {
  IpAddress address;
  std::memcpy(address.bytes.data(), p, 16);
  address.family = IpFamily::kIpv6;
  return address;
}

std::string FormatDotted(const IpAddress& address, int digits) {
  char text[4 * 4];
  char* end = text;
  for (size_t i = 0; i < 4; ++i) {
    if (i > 0) *end++ = '.';
    end = WriteByte(end, address.bytes[i], digits);
  }
  return {text, end};
}

std::string FormatIpAddress(const IpAddress& address) {
  if (address.family == IpFamily::kIpv4) return FormatDotted(address, 1);
  char text[INET6_ADDRSTRLEN] = {};
  inet_ntop(AF_INET6, address.bytes.data(), text, sizeof(text));
  return text;
}

}  // namespace flowstitch
