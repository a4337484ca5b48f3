#include "base/frames/link_layer.h"

#include <algorithm>

#include "base/frames/encapsulations.h"
#include "base/frames/ethernet.h"
#include "base/frames/wireless.h"
#include "base/link_type.h"

namespace flowstitch {
namespace {

// BSD loopback: the address family in the byte order of the machine that captured (NULL) or of the
// network (LOOP). A family fits in 16 bits, so the order shows. 2 is AF_INET everywhere; AF_INET6
// is 10 on Linux, 24 on NetBSD and OpenBSD, 28 on FreeBSD, 30 on macOS.
bool IsIpFamily(uint32_t family) {
  if (family > 0xffff) family = __builtin_bswap32(family);
  return family == 2 || family == 10 || family == 24 || family == 28 || family == 30;
}

// A header of `size` bytes that begins with the family.
LinkVerdict ReadLoopback(size_t size, ByteView frame, LinkLayer* link) {
  if (frame.size() < size) return LinkVerdict::kMalformed;
  const uint32_t family = LoadBe32(frame.data());
  if (!IsIpFamily(family)) {
    link->unread = {UnreadLayer::kLoopbackFamily, family};
    return LinkVerdict::kNotIp;
  }
  return ReadIp(frame.subspan(size), link);
}

// RFC 2427: a Q.922 address of 2 to 4 bytes, the last with its lowest bit set, then control 3, a
// pad of 0 or none, and the network protocol; or, as Cisco does, an EtherType.
LinkVerdict ReadFrameRelay(ByteView frame, LinkLayer* link) {
  constexpr uint8_t kUnnumbered = 0x03;
  constexpr uint8_t kNlpidSnap = 0x80;
  constexpr uint8_t kNlpidIpv6 = 0x8e;
  constexpr uint8_t kNlpidIpv4 = 0xcc;
  constexpr uint8_t kNlpidPpp = 0xcf;
  size_t address = 1;
  while (address <= 4 && address <= frame.size() && (frame[address - 1] & 1) == 0) ++address;
  if (address < 2 || address > 4 || frame.size() < address + 2) return LinkVerdict::kMalformed;
  ByteView rest = frame.subspan(address);
  if (rest[0] != kUnnumbered) return ReadEtherType(LoadBe16(rest.data()), rest.subspan(2), link);
  rest = rest.subspan(rest[1] == 0 ? 2 : 1);
  if (rest.empty()) return LinkVerdict::kMalformed;
  const uint8_t protocol = rest[0];
  rest = rest.subspan(1);
  switch (protocol) {
    case kNlpidIpv4:
    case kNlpidIpv6:
      return ReadIp(rest, link);
    case kNlpidPpp:
      return ReadPpp(rest, link);
    case kNlpidSnap: {
      if (rest.size() < 5) return LinkVerdict::kMalformed;
      const uint16_t type = LoadBe16(rest.data() + 3);
      if (rest[0] == 0 && rest[1] == 0 && rest[2] == 0) {
        return ReadEtherType(type, rest.subspan(5), link);
      }
      // RFC 2427, 4.2: bridged Ethernet, with its checksum (1) or without (7).
      const bool bridged = rest[0] == 0 && rest[1] == 0x80 && rest[2] == 0xc2;
      return bridged && (type == 1 || type == 7) ? ReadEthernet(rest.subspan(5), link)
                                                 : LinkVerdict::kNotIp;
    }
    default:
      return LinkVerdict::kNotIp;
  }
}

// Linux's cooked capture: what the device is (ARPHRD_) says what the protocol number means, which
// is an EtherType or, below those, one of Linux's own (ETH_P_).
LinkVerdict ReadCooked(uint16_t device, uint16_t protocol, ByteView rest, LinkLayer* link) {
  constexpr uint16_t kFrameRelayDevice = 770;
  constexpr uint16_t kWirelessDevice = 801;
  constexpr uint16_t kPrismDevice = 802;
  constexpr uint16_t kRadiotapDevice = 803;
  constexpr uint16_t kWholeFrame = 0x0003;  // ETH_P_ALL: a whole Ethernet frame follows
  constexpr uint16_t kLlc = 0x0004;
  constexpr uint16_t kPpp = 0x0007;
  constexpr uint16_t kPppMultilink = 0x0008;
  constexpr uint16_t kTokenRingLlc = 0x0011;
  constexpr uint16_t kWireless = 0x0019;
  switch (device) {
    case kFrameRelayDevice:
      return ReadFrameRelay(rest, link);
    case kWirelessDevice:
      return ReadIeee80211(rest, {}, link);
    case kPrismDevice:
      return ReadPrismOrAvs(rest, link);
    case kRadiotapDevice:
      return ReadRadiotap(rest, link);
    default:
      break;
  }
  switch (protocol) {
    case kWholeFrame:
      return ReadEthernet(rest, link);
    case kLlc:
    case kTokenRingLlc:
      return ReadLlc(rest, link);
    case kPpp:
    case kPppMultilink:
      return ReadPpp(rest, link);
    case kWireless:
      return ReadIeee80211(rest, {}, link);
    default:
      if (protocol < kEtherMinType) {
        link->unread = {UnreadLayer::kEtherType, protocol};
        return LinkVerdict::kNotIp;
      }
      return ReadEtherType(protocol, rest, link);
  }
}

// https://www.tcpdump.org/linktypes/LINKTYPE_LINUX_SLL.html: 16 bytes, the protocol last.
LinkVerdict ReadSll(ByteView frame, LinkLayer* link) {
  if (frame.size() < 16) return LinkVerdict::kMalformed;
  if (LoadBe16(frame.data() + 4) == 6) {
    std::copy_n(frame.begin() + 6, 6, link->source_mac.begin());
    link->has_macs = true;
  }
  return ReadCooked(LoadBe16(frame.data() + 2), LoadBe16(frame.data() + 14), frame.subspan(16),
                    link);
}

// https://www.tcpdump.org/linktypes/LINKTYPE_LINUX_SLL2.html: 20 bytes, the protocol first.
LinkVerdict ReadSll2(ByteView frame, LinkLayer* link) {
  if (frame.size() < 20) return LinkVerdict::kMalformed;
  if (frame[11] == 6) {
    std::copy_n(frame.begin() + 12, 6, link->source_mac.begin());
    link->has_macs = true;
  }
  return ReadCooked(LoadBe16(frame.data() + 8), LoadBe16(frame.data()), frame.subspan(20), link);
}

// https://www.tcpdump.org/linktypes/LINKTYPE_NFLOG.html: 4 bytes, then (length, type, value) padded
// to 4; the numbers in the order of the machine that captured. Type 9 is the packet.
LinkVerdict ReadNflog(ByteView frame, LinkLayer* link) {
  constexpr uint16_t kPayload = 9;
  if (frame.size() < 8) return LinkVerdict::kMalformed;
  ByteView rest = frame.subspan(4);
  // A first length beyond 0xff is a small number in the other order.
  const bool little = LoadLe16(rest.data()) <= LoadBe16(rest.data());
  while (rest.size() >= 4) {
    const size_t length = little ? LoadLe16(rest.data()) : LoadBe16(rest.data());
    const uint16_t type = little ? LoadLe16(rest.data() + 2) : LoadBe16(rest.data() + 2);
    if (length < 4) return LinkVerdict::kMalformed;
    if ((type & 0x7fff) == kPayload) {
      return ReadIp(rest.subspan(4, std::min(length, rest.size()) - 4), link);
    }
    const size_t padded = (length + 3) / 4 * 4;
    if (padded >= rest.size()) return LinkVerdict::kMalformed;
    rest = rest.subspan(padded);
  }
  return LinkVerdict::kMalformed;
}

// https://www.tcpdump.org/linktypes/LINKTYPE_JUNIPER_ETHER.html: "MGC", flags, extensions with
// their length where flag 0x80 is set, then the frame; or, with flag 0x02, four bytes and a
// datagram.
LinkVerdict ReadJuniperEther(ByteView frame, LinkLayer* link) {
  constexpr uint8_t kExtensions = 0x80;
  constexpr uint8_t kNoLink = 0x02;
  if (frame.size() < 4 || frame[0] != 'M' || frame[1] != 'G' || frame[2] != 'C') {
    return LinkVerdict::kMalformed;
  }
  const uint8_t flags = frame[3];
  ByteView rest = frame.subspan(4);
  if (flags & kExtensions) {
    if (rest.size() < 2) return LinkVerdict::kMalformed;
    const size_t length = size_t{2} + LoadBe16(rest.data());
    if (length > rest.size()) return LinkVerdict::kMalformed;
    rest = rest.subspan(length);
  }
  if (flags & kNoLink) return ReadBehind(4, rest, link, ReadIp);
  return ReadEthernet(rest, link);
}

// ARCNET: source, destination, (on Linux two bytes of offset,) type. RFC 1051 puts the datagram
// right behind it, RFC 1201 a flag and a sequence number first; of a split packet only the first
// part has the beginning of the datagram.
LinkVerdict ReadArcnet(size_t type_at, ByteView frame, LinkLayer* link) {
  constexpr uint8_t kIpRfc1201 = 212;
  constexpr uint8_t kIpv6 = 196;
  constexpr uint8_t kIpRfc1051 = 240;
  constexpr uint8_t kException = 0xff;  // in place of the flag: four more bytes come before it
  if (frame.size() <= type_at) return LinkVerdict::kMalformed;
  const uint8_t type = frame[type_at];
  ByteView rest = frame.subspan(type_at + 1);
  if (type == kIpRfc1051) return ReadIp(rest, link);
  if (type != kIpRfc1201 && type != kIpv6) return LinkVerdict::kNotIp;
  if (!rest.empty() && rest[0] == kException) {
    rest = rest.subspan(std::min<size_t>(4, rest.size()));
  }
  if (rest.size() < 3) return LinkVerdict::kMalformed;
  const uint8_t flag = rest[0];
  if (flag != 0 && (flag & 1) == 0) return LinkVerdict::kNotIp;
  return ReadIp(rest.subspan(3), link);
}

// IEEE 802.5: access and frame control, addresses, where the source's first bit says so a route,
// then LLC. FDDI has one byte of frame control and no route.
LinkVerdict ReadRing(size_t addresses_at, ByteView frame, LinkLayer* link) {
  size_t header = addresses_at + 12;
  if (frame.size() < header + 1) return LinkVerdict::kMalformed;
  std::copy_n(frame.begin() + static_cast<long>(addresses_at), 6, link->destination_mac.begin());
  std::copy_n(frame.begin() + static_cast<long>(addresses_at) + 6, 6, link->source_mac.begin());
  link->has_macs = true;
  if (addresses_at == 2 && (link->source_mac[0] & 0x80)) {
    link->source_mac[0] &= 0x7f;
    header += frame[header] & 0x1fu;
  }
  return ReadBehind(header, frame, link, ReadLlc);
}

// OpenBSD's packet filter log: the first byte is the header's length before its padding to 4.
LinkVerdict ReadPflog(ByteView frame, LinkLayer* link) {
  if (frame.size() < 4) return LinkVerdict::kMalformed;
  return ReadBehind((size_t{frame[0]} + 3) / 4 * 4, frame, link, ReadIp);
}

// https://www.tcpdump.org/linktypes/LINKTYPE_APPLE_IP_OVER_IEEE1394.html: two addresses of 8 bytes.
LinkVerdict ReadIeee1394(ByteView frame, LinkLayer* link) {
  if (frame.size() < 18) return LinkVerdict::kMalformed;
  return ReadEtherType(LoadBe16(frame.data() + 16), frame.subspan(18), link);
}

LinkVerdict ReadByType(uint32_t link_type, ByteView frame, LinkLayer* link);

LinkVerdict ReadPpi(ByteView frame, LinkLayer* link) {
  if (frame.size() < 8) return LinkVerdict::kMalformed;
  const size_t header = LoadLe16(frame.data() + 2);
  const uint32_t inner = LoadLe32(frame.data() + 4);
  if (header < 8 || header > frame.size()) return LinkVerdict::kMalformed;
  const ByteView rest = frame.subspan(header);
  if (inner == kLinkPpi || inner == kLinkPktap || inner == kLinkPktapUser2) {
    return LinkVerdict::kMalformed;
  }
  if (inner == kLinkIeee80211) {
    return ReadIeee80211(rest, ReadPpiHints(frame.first(header)), link);
  }
  return ReadByType(inner, rest, link);
}

// https://www.tcpdump.org/linktypes/LINKTYPE_PKTAP.html: the header's length, what follows (1: a
// frame), its link type; in the order of the machine that captured, which is little-endian.
LinkVerdict ReadPktap(uint32_t link_type, ByteView frame, LinkLayer* link) {
  constexpr size_t kSmallestHeader = 108;
  const bool others = link_type == kLinkPktapUser2 &&
                      (frame.size() < kSmallestHeader || LoadLe32(frame.data()) < kSmallestHeader ||
                       LoadLe32(frame.data()) > frame.size());
  if (others) {  // that number is anybody's
    link->unread = {UnreadLayer::kLinkType, link_type};
    return LinkVerdict::kUnknownLinkType;
  }
  if (frame.size() < 12) return LinkVerdict::kMalformed;
  const size_t header = LoadLe32(frame.data());
  const uint32_t inner = LoadLe32(frame.data() + 8);
  if (LoadLe32(frame.data() + 4) != 1) return LinkVerdict::kNotIp;
  if (header < 12 || header > frame.size()) return LinkVerdict::kMalformed;
  if (inner == kLinkPktap || inner == kLinkPktapUser2 || inner == kLinkPpi) {
    return LinkVerdict::kMalformed;
  }
  return ReadByType(inner, frame.subspan(header), link);
}

LinkVerdict ReadByType(uint32_t link_type, ByteView frame, LinkLayer* link) {
  switch (link_type) {
    case kLinkEthernet:
      return ReadEthernet(frame, link);
    case kLinkNull:
    case kLinkLoop:
      return ReadLoopback(4, frame, link);
    case kLinkEnc:  // family, index of the security association, flags
      return ReadLoopback(12, frame, link);
    case kLinkRaw:
    case kLinkRawBsd:
    case kLinkRawOpenBsd:
    case kLinkIpv4:
    case kLinkIpv6:
      return ReadIp(frame, link);
    case kLinkSlip:  // BSD: direction and the compressed header
      return ReadBehind(16, frame, link, ReadIp);
    case kLinkLinuxSll:
      return ReadSll(frame, link);
    case kLinkLinuxSll2:
      return ReadSll2(frame, link);
    case kLinkPpp:
    case kLinkPppHdlc:
      return ReadPppHdlc(frame, link);
    case kLinkPppWithDirection:
      return ReadBehind(1, frame, link, ReadPpp);
    case kLinkPppPppd:  // the direction stands in place of the address byte
      return ReadBehind(2, frame, link, ReadPpp);
    case kLinkPppEther:
      return ReadPppoe(frame, link);
    case kLinkCiscoHdlc:
      return ReadCiscoHdlc(frame, link);
    case kLinkCiscoHdlcWithDirection:
      return ReadBehind(1, frame, link, ReadCiscoHdlc);
    case kLinkFrameRelay:
      return ReadFrameRelay(frame, link);
    case kLinkFrameRelayWithDirection:
      return ReadBehind(1, frame, link, ReadFrameRelay);
    case kLinkIeee80211:
      return ReadIeee80211(frame, {}, link);
    case kLinkRadiotap:
      return ReadRadiotap(frame, link);
    case kLinkPrism:
    case kLinkAvs:
      return ReadPrismOrAvs(frame, link);
    case kLinkPpi:
      return ReadPpi(frame, link);
    case kLinkNflog:
      return ReadNflog(frame, link);
    case kLinkJuniperEther:
      return ReadJuniperEther(frame, link);
    case kLinkNetAnalyzer:  // four bytes about the capture
      return ReadBehind(4, frame, link, ReadEthernet);
    case kLinkArcnetBsd:
      return ReadArcnet(2, frame, link);
    case kLinkArcnetLinux:
      return ReadArcnet(4, frame, link);
    case kLinkTokenRing:
      return ReadRing(2, frame, link);
    case kLinkFddi:
      return ReadRing(1, frame, link);
    case kLinkAtmRfc1483:
      return ReadLlc(frame, link);
    case kLinkIpOverFc:  // RFC 2625: two addresses of 8 bytes
      return ReadBehind(16, frame, link, ReadLlc);
    case kLinkPflog:
      return ReadPflog(frame, link);
    case kLinkIpOverIeee1394:
      return ReadIeee1394(frame, link);
    case kLinkErf:
      return ReadErf(frame, link);
    case kLinkIpoib:
      return ReadIpoib(frame, link);
    case kLinkPktap:
    case kLinkPktapUser2:
      return ReadPktap(link_type, frame, link);
    default:
      link->unread = {UnreadLayer::kLinkType, link_type};
      return LinkVerdict::kUnknownLinkType;
  }
}

}  // namespace

LinkLayer ReadLinkLayer(uint32_t link_type, ByteView frame) {
  LinkLayer link;
  link.verdict = ReadByType(link_type, frame, &link);
  return link;
}

}  // namespace flowstitch
