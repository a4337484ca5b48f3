#include "base/ip_address.h"

#include <arpa/inet.h>

namespace flowstitch {

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

std::string FormatIpAddress(const IpAddress& address) {
  char text[INET6_ADDRSTRLEN] = {};
  const int family = address.family == IpFamily::kIpv4 ? AF_INET : AF_INET6;
  inet_ntop(family, address.bytes.data(), text, sizeof(text));
  return text;
}

}  // namespace flowstitch
