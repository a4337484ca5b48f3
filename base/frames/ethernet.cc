#include "base/frames/ethernet.h"

#include <algorithm>

#include "base/frames/encapsulations.h"
#include "base/frames/ip_header.h"

namespace flowstitch {
namespace {

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

// IEEE 802.2 with SNAP (RFC 1042, or IEEE 802.1H with its organisation 00 00 f8): AA AA 03 and the
// organisation before the EtherType.
LinkVerdict ReadSnap(ByteView bytes, uint16_t* ether_type, ByteView* rest, LinkLayer* link) {
  if (bytes.size() < 3) return LinkVerdict::kMalformed;
  const bool snap = bytes[0] == 0xaa && bytes[1] == 0xaa && bytes[2] == 3;
  const bool ether =
      bytes.size() >= 8 && bytes[3] == 0 && bytes[4] == 0 && (bytes[5] == 0 || bytes[5] == 0xf8);
  if (!snap || !ether) {
    link->unread = {UnreadLayer::kLlc, bytes[0]};
    return LinkVerdict::kNotIp;
  }
  *ether_type = LoadBe16(bytes.data() + 6);
  *rest = bytes.subspan(8);
  return LinkVerdict::kIp;
}

// What a pseudowire's control word (RFC 4385) bounds: a length, where one is said, counts itself.
ByteView BehindControlWord(ByteView bytes) {
  const size_t length = bytes[0] >> 4 == 0 ? bytes[1] & 0x3f : 0;
  return (length < 4 ? bytes : AtMost(bytes, length)).subspan(4);
}

// An Ethernet pseudowire (RFC 4448), with its control word of 4 bytes or without. Nothing says so,
// so that only a frame with a sound datagram is taken for one; and only one deep, since each guess
// would double the work of the one inside it.
LinkVerdict ReadPseudowire(ByteView bytes, LinkLayer* link) {
  if (link->pseudowire) return LinkVerdict::kNotIp;
  for (const bool control_word : {true, false}) {
    if (control_word && bytes.size() < 4) continue;
    LinkLayer inner = *link;
    inner.pseudowire = true;
    const ByteView frame = control_word ? BehindControlWord(bytes) : bytes;
    if (ReadEthernet(frame, &inner) != LinkVerdict::kIp) continue;
    if (!ReadIpHeader(inner.datagram)) continue;
    *link = inner;
    return LinkVerdict::kIp;
  }
  return LinkVerdict::kNotIp;
}

}  // namespace

LinkVerdict ReadBehind(size_t header, ByteView bytes, LinkLayer* link,
                       LinkVerdict (*read)(ByteView, LinkLayer*)) {
  return bytes.size() < header ? LinkVerdict::kMalformed : read(bytes.subspan(header), link);
}

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
  link->unread = {UnreadLayer::kPppProtocol, protocol};
  return LinkVerdict::kNotIp;
}

LinkVerdict ReadCiscoHdlc(ByteView frame, LinkLayer* link) {
  if (frame.size() < 4) return LinkVerdict::kMalformed;
  return ReadEtherType(LoadBe16(frame.data() + 2), frame.subspan(4), link);
}

LinkVerdict ReadPppHdlc(ByteView frame, LinkLayer* link) {
  if (!frame.empty() && (frame[0] == 0x0f || frame[0] == 0x8f)) return ReadCiscoHdlc(frame, link);
  return ReadPpp(frame, link);
}

LinkVerdict ReadPppoe(ByteView bytes, LinkLayer* link) {
  if (bytes.size() < 6) return LinkVerdict::kMalformed;
  const size_t length = LoadBe16(bytes.data() + 4);
  bytes = bytes.subspan(6);
  return ReadPpp(AtMost(bytes, length), link);
}

LinkVerdict ReadLlc(ByteView bytes, LinkLayer* link) {
  uint16_t type = 0;
  const LinkVerdict verdict = ReadSnap(bytes, &type, &bytes, link);
  if (verdict != LinkVerdict::kIp) return verdict;
  if (type > kEtherMaxLength) return ReadEtherType(type, bytes, link);
  link->unread = {UnreadLayer::kEtherType, type};
  return LinkVerdict::kNotIp;
}

LinkVerdict ReadEtherType(uint16_t type, ByteView bytes, LinkLayer* link) {
  while (true) {
    size_t tag_bytes = 4;
    switch (type) {
      case kEtherIpv4:
      case kEtherIpv6:
        return ReadIp(bytes, link);
      case kEtherVlan:
      case kEtherVlanService:
      case kEtherVlanOld:
        if (bytes.size() < 4 || link->vlans.count == kMaxVlanTags) return LinkVerdict::kMalformed;
        if (link->vlans.count == 0) link->vlans.outer_8021q = type == kEtherVlan;
        link->vlans.ids[link->vlans.count++] = LoadBe16(bytes.data()) & 0x0fff;
        break;
      case kEtherMpls:
      case kEtherMplsMulticast:
        return ReadMpls(bytes, link);
      case kEtherPppoeSession:
        return ReadPppoe(bytes, link);
      default:
        if (type <= kEtherMaxLength) {  // of what follows, LLC and all
          return ReadLlc(AtMost(bytes, type), link);
        }
        tag_bytes = TagBytes(type, &bytes);
        if (tag_bytes == 0) return ReadEncapsulation(type, bytes, link);
    }
    if (bytes.size() < tag_bytes || link->tags == kMaxTags) return LinkVerdict::kMalformed;
    ++link->tags;
    type = LoadBe16(bytes.data() + tag_bytes - 2);
    bytes = bytes.subspan(tag_bytes);
  }
}

LinkVerdict ReadEthernet(ByteView frame, LinkLayer* link) {
  if (frame.size() < 14 || link->frames == kMaxNestedFrames) return LinkVerdict::kMalformed;
  ++link->frames;
  std::copy_n(frame.begin(), 6, link->destination_mac.begin());
  std::copy_n(frame.begin() + 6, 6, link->source_mac.begin());
  link->has_macs = true;
  return ReadEtherType(LoadBe16(frame.data() + 12), frame.subspan(14), link);
}

}  // namespace flowstitch
