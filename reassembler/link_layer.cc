#include "reassembler/link_layer.h"

#include <algorithm>

#include "base/link_type.h"

namespace flowstitch {
namespace {

constexpr uint16_t kEtherIpv4 = 0x0800;
constexpr uint16_t kEtherIpv6 = 0x86dd;
constexpr uint16_t kEtherVlan = 0x8100;
constexpr uint16_t kEtherVlanService = 0x88a8;
constexpr uint16_t kEtherVlanOld = 0x9100;
constexpr uint16_t kEtherMpls = 0x8847;
constexpr uint16_t kEtherMplsMulticast = 0x8848;
constexpr uint16_t kEtherPppoeSession = 0x8864;
constexpr uint16_t kEtherMaxLength = 1500;  // below: IEEE 802.3 length, LLC follows

constexpr uint16_t kPppIpv4 = 0x0021;
constexpr uint16_t kPppIpv6 = 0x0057;
constexpr uint16_t kPppMpls = 0x0281;

LinkVerdict ReadIp(ByteView bytes, LinkLayer* link) {
  if (bytes.empty()) return LinkVerdict::kMalformed;
  const int version = bytes[0] >> 4;
  if (version != 4 && version != 6) return LinkVerdict::kMalformed;
  link->datagram = bytes;
  return LinkVerdict::kIp;
}

// RFC 3032: labels of 4 bytes up to the one with the bottom-of-stack bit. What follows says itself
// whether it is IP.
LinkVerdict ReadMpls(ByteView bytes, LinkLayer* link) {
  for (int i = 0; i < kMaxMplsLabels; ++i) {
    if (bytes.size() < 5) return LinkVerdict::kMalformed;
    const bool bottom = bytes[2] & 1;
    bytes = bytes.subspan(4);
    if (!bottom) continue;
    const int version = bytes[0] >> 4;
    return version == 4 || version == 6 ? ReadIp(bytes, link) : LinkVerdict::kNotIp;
  }
  return LinkVerdict::kMalformed;
}

// RFC 1661, with the address and control bytes of RFC 1662 present or not, and a protocol field of
// one byte where its lowest bit says so.
LinkVerdict ReadPpp(ByteView bytes, LinkLayer* link) {
  if (bytes.size() >= 2 && bytes[0] == 0xff && bytes[1] == 0x03) bytes = bytes.subspan(2);
  if (bytes.size() < 2) return LinkVerdict::kMalformed;
  const size_t width = bytes[0] & 1 ? 1 : 2;
  const uint16_t protocol = width == 1 ? bytes[0] : LoadBe16(bytes.data());
  bytes = bytes.subspan(width);
  if (protocol == kPppIpv4 || protocol == kPppIpv6) return ReadIp(bytes, link);
  if (protocol == kPppMpls) return ReadMpls(bytes, link);
  return LinkVerdict::kNotIp;
}

// IEEE 802.2 with SNAP (RFC 1042): AA AA 03 and an organisation of zeros before the EtherType.
LinkVerdict ReadLlc(ByteView bytes, uint16_t* ether_type, ByteView* rest) {
  if (bytes.size() < 8) return bytes.size() < 3 ? LinkVerdict::kMalformed : LinkVerdict::kNotIp;
  const bool snap = bytes[0] == 0xaa && bytes[1] == 0xaa && bytes[2] == 3;
  if (!snap || bytes[3] != 0 || bytes[4] != 0 || bytes[5] != 0) return LinkVerdict::kNotIp;
  *ether_type = LoadBe16(bytes.data() + 6);
  *rest = bytes.subspan(8);
  return LinkVerdict::kIp;
}

LinkVerdict ReadEtherType(uint16_t type, ByteView bytes, LinkLayer* link) {
  while (true) {
    switch (type) {
      case kEtherIpv4:
      case kEtherIpv6:
        return ReadIp(bytes, link);
      case kEtherVlan:
      case kEtherVlanService:
      case kEtherVlanOld:
        if (bytes.size() < 4 || link->vlan_count == kMaxVlanTags) return LinkVerdict::kMalformed;
        if (link->vlan_count == 0) link->outer_8021q = type == kEtherVlan;
        link->vlan[link->vlan_count++] = LoadBe16(bytes.data()) & 0x0fff;
        type = LoadBe16(bytes.data() + 2);
        bytes = bytes.subspan(4);
        break;
      case kEtherMpls:
      case kEtherMplsMulticast:
        return ReadMpls(bytes, link);
      case kEtherPppoeSession:
        if (bytes.size() < 6) return LinkVerdict::kMalformed;
        return ReadPpp(bytes.subspan(6), link);  // RFC 2516: version, code, session, length
      default: {
        if (type > kEtherMaxLength) return LinkVerdict::kNotIp;
        const LinkVerdict verdict = ReadLlc(bytes, &type, &bytes);
        if (verdict != LinkVerdict::kIp || type <= kEtherMaxLength) {
          return verdict == LinkVerdict::kIp ? LinkVerdict::kNotIp : verdict;
        }
        break;
      }
    }
  }
}

LinkVerdict ReadEthernet(ByteView frame, LinkLayer* link) {
  if (frame.size() < 14) return LinkVerdict::kMalformed;
  std::copy_n(frame.begin(), 6, link->destination_mac.begin());
  std::copy_n(frame.begin() + 6, 6, link->source_mac.begin());
  link->has_macs = true;
  return ReadEtherType(LoadBe16(frame.data() + 12), frame.subspan(14), link);
}

// BSD loopback: the address family in the byte order of the machine that captured (NULL) or of the
// network (LOOP). A family fits in 16 bits, so the order shows. 2 is AF_INET everywhere; AF_INET6
// is 10 on Linux, 24 on NetBSD and OpenBSD, 28 on FreeBSD, 30 on macOS.
LinkVerdict ReadLoopback(ByteView frame, LinkLayer* link) {
  if (frame.size() < 4) return LinkVerdict::kMalformed;
  uint32_t family = LoadBe32(frame.data());
  if (family > 0xffff) family = __builtin_bswap32(family);
  switch (family) {
    case 2:
    case 10:
    case 24:
    case 28:
    case 30:
      return ReadIp(frame.subspan(4), link);
    default:
      return LinkVerdict::kNotIp;
  }
}

// https://www.tcpdump.org/linktypes/LINKTYPE_LINUX_SLL.html: 16 bytes, the protocol last.
LinkVerdict ReadSll(ByteView frame, LinkLayer* link) {
  if (frame.size() < 16) return LinkVerdict::kMalformed;
  if (LoadBe16(frame.data() + 4) == 6) {
    std::copy_n(frame.begin() + 6, 6, link->source_mac.begin());
    link->has_macs = true;
  }
  return ReadEtherType(LoadBe16(frame.data() + 14), frame.subspan(16), link);
}

// https://www.tcpdump.org/linktypes/LINKTYPE_LINUX_SLL2.html: 20 bytes, the protocol first.
LinkVerdict ReadSll2(ByteView frame, LinkLayer* link) {
  if (frame.size() < 20) return LinkVerdict::kMalformed;
  if (frame[11] == 6) {
    std::copy_n(frame.begin() + 12, 6, link->source_mac.begin());
    link->has_macs = true;
  }
  return ReadEtherType(LoadBe16(frame.data()), frame.subspan(20), link);
}

LinkVerdict ReadByType(uint32_t link_type, ByteView frame, LinkLayer* link) {
  switch (link_type) {
    case kLinkEthernet:
      return ReadEthernet(frame, link);
    case kLinkNull:
    case kLinkLoop:
      return ReadLoopback(frame, link);
    case kLinkRaw:
    case kLinkRawBsd:
    case kLinkRawOpenBsd:
    case kLinkIpv4:
    case kLinkIpv6:
      return ReadIp(frame, link);
    case kLinkLinuxSll:
      return ReadSll(frame, link);
    case kLinkLinuxSll2:
      return ReadSll2(frame, link);
    case kLinkPpp:
    case kLinkPppHdlc:
      return ReadPpp(frame, link);
    default:
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
