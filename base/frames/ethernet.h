// Ethernet II and IEEE 802.3, and what stands between an EtherType and a datagram: VLAN tags, MPLS
// labels, PPPoE, LLC/SNAP. Each fills `link` and returns its verdict.
#ifndef FLOWSTITCH_BASE_FRAMES_ETHERNET_H_
#define FLOWSTITCH_BASE_FRAMES_ETHERNET_H_

#include "base/frames/link_headers.h"

namespace flowstitch {

inline constexpr uint16_t kEtherIpv4 = 0x0800;
inline constexpr uint16_t kEtherBridged = 0x6558;  // a whole Ethernet frame (RFC 1701)
inline constexpr uint16_t kEtherIpv6 = 0x86dd;
// IEEE 802.3: a lower number is a length.
inline constexpr uint16_t kEtherMinType = 0x0600;

LinkVerdict ReadEthernet(ByteView frame, LinkLayer* link);
// What follows an EtherType (or an IEEE 802.3 length).
LinkVerdict ReadEtherType(uint16_t type, ByteView bytes, LinkLayer* link);
// An IEEE 802.2 header and what follows.
LinkVerdict ReadLlc(ByteView bytes, LinkLayer* link);
// RFC 3032: labels of 4 bytes, then what says itself whether it is IP.
LinkVerdict ReadMpls(ByteView bytes, LinkLayer* link);
// RFC 1661, with the address and control bytes of RFC 1662 present or not, and a protocol field of
// one byte where its lowest bit says so.
LinkVerdict ReadPpp(ByteView bytes, LinkLayer* link);
// Cisco HDLC: address, control, EtherType. Address 0x0f or 0x8f; keep-alives have a type of their
// own.
LinkVerdict ReadCiscoHdlc(ByteView frame, LinkLayer* link);
// PPP in HDLC framing; where the first byte is an address of Cisco HDLC, that.
LinkVerdict ReadPppHdlc(ByteView frame, LinkLayer* link);
// RFC 2516: version, code, session, length, then PPP.
LinkVerdict ReadPppoe(ByteView bytes, LinkLayer* link);
// What a header of `header` bytes stands before; malformed where it is cut off.
LinkVerdict ReadBehind(size_t header, ByteView bytes, LinkLayer* link,
                       LinkVerdict (*read)(ByteView, LinkLayer*));
// A datagram of either version.
LinkVerdict ReadIp(ByteView bytes, LinkLayer* link);

}  // namespace flowstitch

#endif  // FLOWSTITCH_BASE_FRAMES_ETHERNET_H_
