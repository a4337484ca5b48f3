// What tests of tunnels are built of: two ends, UDP and IP around a payload, and every datagram of
// a conversation put into something.
#ifndef FLOWSTITCH_TESTS_SUPPORT_TUNNEL_FRAMES_H_
#define FLOWSTITCH_TESTS_SUPPORT_TUNNEL_FRAMES_H_

#include <vector>

#include "tests/support/packet_builder.h"

namespace flowstitch::testing {

inline const Packet kMacs = Bytes({1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12});
inline const IpAddress kEnd1 = Address("192.0.2.1");
inline const IpAddress kEnd2 = Address("192.0.2.2");
inline const IpAddress kEnd1v6 = Address("2001:db8::1");
inline const IpAddress kEnd2v6 = Address("2001:db8::2");

inline Packet Udp(uint16_t port, const Packet& payload, uint16_t source_port = 50000) {
  const auto length = static_cast<int>(payload.size() + 8);
  return Bytes({source_port >> 8, source_port & 255, port >> 8, port & 255, length >> 8,
                length & 255, 0, 0}) +
         payload;
}

// Puts each datagram of a conversation into a tunnel.
template <typename Wrap>
std::vector<CapturedPacket> Through(const std::vector<CapturedPacket>& packets, Wrap wrap) {
  std::vector<CapturedPacket> result;
  for (const CapturedPacket& packet : packets) {
    const Packet datagram(packet.bytes.begin() + 14, packet.bytes.end());
    result.push_back(Capture(EthernetFrame(wrap(datagram)), packet.time_ns));
  }
  return result;
}

// Of what is shorter than 256 bytes, for a header's low byte.
inline int Length(const Packet& packet) { return static_cast<int>(packet.size()); }

// An 802.11 data frame's header with LLC, to an access point.
inline Packet Wireless(int first, int second) {
  return Bytes({first, second, 0, 0}) + Packet(18, 2) +
         Bytes({0x10, 0, 0xaa, 0xaa, 3, 0, 0, 0, 8, 0});
}

inline Packet In4(uint8_t protocol, const Packet& payload) {
  return IpDatagram(kEnd1, kEnd2, protocol, payload);
}
inline Packet In6(uint8_t protocol, const Packet& payload) {
  return IpDatagram(kEnd1v6, kEnd2v6, protocol, payload);
}

}  // namespace flowstitch::testing

#endif  // FLOWSTITCH_TESTS_SUPPORT_TUNNEL_FRAMES_H_
