#include "reassembler/ethernet.h"

#include <algorithm>

#include "reassembler/ip_header.h"

namespace flowstitch {
namespace {

constexpr uint16_t kEtherVlan = 0x8100;
constexpr uint16_t kEtherVlanService = 0x88a8;
constexpr uint16_t kEtherVlanOld = 0x9100;
constexpr uint16_t kEtherVnTag = 0x8926;  // Cisco's interface tag: 4 bytes
constexpr uint16_t kEtherETag = 0x893f;   // IEEE 802.1BR: 6 bytes
constexpr uint16_t kEtherMpls = 0x8847;
constexpr uint16_t kEtherMplsMulticast = 0x8848;
constexpr uint16_t kEtherPppoeSession = 0x8864;
constexpr uint16_t kEtherMaxLength = 1500;  // below: IEEE 802.3 length, LLC follows

constexpr uint16_t kPppIpv4 = 0x0021;
constexpr uint16_t kPppIpv6 = 0x0057;
constexpr uint16_t kPppMpls = 0x0281;

// IEEE 802.2 with SNAP (RFC 1042, or IEEE 802.1H with its organisation 00 00 f8): AA AA 03 and the
// organisation before the EtherType.
LinkVerdict ReadSnap(ByteView bytes, uint16_t* ether_type, ByteView* rest) {
  if (bytes.size() < 8) return bytes.size() < 3 ? LinkVerdict::kMalformed : LinkVerdict::kNotIp;
  const bool snap = bytes[0] == 0xaa && bytes[1] == 0xaa && bytes[2] == 3;
  const bool ether = bytes[3] == 0 && bytes[4] == 0 && (bytes[5] == 0 || bytes[5] == 0xf8);
  if (!snap || !ether) return LinkVerdict::kNotIp;
  *ether_type = LoadBe16(bytes.data() + 6);
  *rest = bytes.subspan(8);
  return LinkVerdict::kIp;
}

// An Ethernet pseudowire (RFC 4448), with its control word of 4 bytes or without. Nothing says so,
// so that only a frame with a sound datagram is taken for one; and only one deep, since each guess
// would double the work of the one inside it.
LinkVerdict ReadPseudowire(ByteView bytes, LinkLayer* link) {
  if (link->pseudowire) return LinkVerdict::kNotIp;
  for (const size_t control_word : {size_t{4}, size_t{0}}) {
    if (bytes.size() < control_word) continue;
    LinkLayer inner = *link;
    inner.pseudowire = true;
    if (ReadEthernet(bytes.subspan(control_word), &inner) != LinkVerdict::kIp) continue;
    if (!ReadIpHeader(inner.datagram)) continue;
    *link = inner;
    return LinkVerdict::kIp;
  }
  return LinkVerdict::kNotIp;
}

}  // namespace

LinkVerdict ReadIp(ByteView bytes, LinkLayer* link) {
  if (bytes.empty()) return LinkVerdict::kMalformed;
  const int version = bytes[0] >> 4;
  if (version != 4 && version != 6) return LinkVerdict::kMalformed;
  link->datagram = bytes;
  return LinkVerdict::kIp;
}

LinkVerdict ReadMpls(ByteView bytes, LinkLayer* link) {
  for (int i = 0; i < kMaxMplsLabels; ++i) {
    if (bytes.size() < 5) return LinkVerdict::kMalformed;
    const bool bottom = bytes[2] & 1;
    bytes = bytes.subspan(4);
    if (!bottom) continue;
    const int version = bytes[0] >> 4;
    if (version == 4 || version == 6) return ReadIp(bytes, link);
    return ReadPseudowire(bytes, link);
  }
  return LinkVerdict::kMalformed;
}

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

LinkVerdict ReadPppoe(ByteView bytes, LinkLayer* link) {
  if (bytes.size() < 6) return LinkVerdict::kMalformed;
  return ReadPpp(bytes.subspan(6), link);
}

LinkVerdict ReadLlc(ByteView bytes, LinkLayer* link) {
  uint16_t type = 0;
  const LinkVerdict verdict = ReadSnap(bytes, &type, &bytes);
  if (verdict != LinkVerdict::kIp) return verdict;
  return type <= kEtherMaxLength ? LinkVerdict::kNotIp : ReadEtherType(type, bytes, link);
}

LinkVerdict ReadEtherType(uint16_t type, ByteView bytes, LinkLayer* link) {
  for (int tags = 0;; ++tags) {
    size_t tag_bytes = 4;
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
        break;
      case kEtherVnTag:
        tag_bytes = 6;
        break;
      case kEtherETag:
        tag_bytes = 8;
        break;
      case kEtherMpls:
      case kEtherMplsMulticast:
        return ReadMpls(bytes, link);
      case kEtherPppoeSession:
        return ReadPppoe(bytes, link);
      default: {
        if (type > kEtherMaxLength) return LinkVerdict::kNotIp;
        const LinkVerdict verdict = ReadSnap(bytes, &type, &bytes);
        if (verdict != LinkVerdict::kIp) return verdict;
        if (type <= kEtherMaxLength) return LinkVerdict::kNotIp;
        continue;
      }
    }
    if (bytes.size() < tag_bytes || tags == kMaxVlanTags) return LinkVerdict::kMalformed;
    type = LoadBe16(bytes.data() + tag_bytes - 2);
    bytes = bytes.subspan(tag_bytes);
  }
}

LinkVerdict ReadEthernet(ByteView frame, LinkLayer* link) {
  if (frame.size() < 14) return LinkVerdict::kMalformed;
  std::copy_n(frame.begin(), 6, link->destination_mac.begin());
  std::copy_n(frame.begin() + 6, 6, link->source_mac.begin());
  link->has_macs = true;
  return ReadEtherType(LoadBe16(frame.data() + 12), frame.subspan(14), link);
}

}  // namespace flowstitch
