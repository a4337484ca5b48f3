#include "base/frames/ip_header.h"

#include <algorithm>

namespace flowstitch {
namespace {

constexpr uint8_t kHopByHop = 0;
constexpr uint8_t kRouting = 43;
constexpr uint8_t kFragment = 44;
constexpr uint8_t kAuthentication = 51;
constexpr uint8_t kNoNextHeader = 59;
constexpr uint8_t kDestinationOptions = 60;
constexpr uint8_t kMobility = 135;
constexpr uint8_t kHip = 139;
constexpr uint8_t kShim6 = 140;

constexpr uint8_t kOptionPad1 = 0;
constexpr uint8_t kOptionJumbo = 0xc2;  // RFC 2675

std::optional<IpHeader> ReadIpv4(ByteView d) {
  if (d.size() < 20) return std::nullopt;
  const size_t header = size_t{d[0] & 0x0fu} * 4;
  if (header < 20 || header > d.size()) return std::nullopt;
  size_t total = LoadBe16(d.data() + 2);
  if (total == 0) total = d.size();  // segmentation offload: the length was not yet known
  if (total < header) return std::nullopt;
  IpHeader ip;
  ip.source = IpAddress::FromIpv4(d.data() + 12);
  ip.destination = IpAddress::FromIpv4(d.data() + 16);
  ip.protocol = d[9];
  ip.header = d.first(header);
  const size_t captured = std::min(total, d.size());
  ip.payload = d.subspan(header, captured - header);
  ip.truncated = static_cast<uint32_t>(total - captured);
  const uint16_t flags = LoadBe16(d.data() + 6);
  ip.more_fragments = flags & 0x2000;
  ip.fragment_offset = (flags & 0x1fffu) * 8u;
  ip.fragment = ip.more_fragments || ip.fragment_offset != 0;
  ip.identification = LoadBe16(d.data() + 4);
  if (ip.protocol == kAuthentication && !ip.fragment && !SkipExtensionHeaders(&ip)) {
    return std::nullopt;
  }
  return ip;
}

// The jumbo payload length in a hop-by-hop header, or 0.
uint32_t JumboLength(ByteView header) {
  size_t i = 2;
  while (i + 2 <= header.size()) {
    if (header[i] == kOptionPad1) {
      ++i;
      continue;
    }
    const size_t length = header[i + 1];
    if (i + 2 + length > header.size()) return 0;
    if (header[i] == kOptionJumbo && length == 4) {
      const uint32_t jumbo = LoadBe32(header.data() + i + 2);
      return jumbo > 0xffff ? jumbo : 0;  // RFC 2675, section 3
    }
    i += 2 + length;
  }
  return 0;
}

bool IsExtension(uint8_t next) {
  switch (next) {
    case kHopByHop:
    case kRouting:
    case kFragment:
    case kAuthentication:
    case kDestinationOptions:
    case kMobility:
    case kHip:
    case kShim6:
      return true;
    default:
      return false;
  }
}

std::optional<IpHeader> ReadIpv6(ByteView d) {
  if (d.size() < 40) return std::nullopt;
  IpHeader ip;
  ip.source = IpAddress::FromIpv6(d.data() + 8);
  ip.destination = IpAddress::FromIpv6(d.data() + 24);
  uint64_t length = LoadBe16(d.data() + 4);
  ByteView rest = d.subspan(40);
  uint8_t next = d[6];
  if (length == 0 && next == kHopByHop && rest.size() >= 8) {
    length = JumboLength(rest.first(std::min(rest.size(), size_t{8} + rest[1] * 8u)));
  }
  if (length == 0) length = next == kNoNextHeader ? 0 : rest.size();
  rest = rest.first(static_cast<size_t>(std::min<uint64_t>(length, rest.size())));
  ip.truncated = static_cast<uint32_t>(length - rest.size());

  ip.protocol = next;
  ip.payload = rest;
  if (!SkipExtensionHeaders(&ip)) return std::nullopt;
  return ip;
}

}  // namespace

bool SkipExtensionHeaders(IpHeader* ip) {
  ByteView rest = ip->payload;
  uint8_t next = ip->protocol;
  const bool ipv4 = ip->source.family == IpFamily::kIpv4;
  for (int i = 0; ipv4 ? next == kAuthentication : IsExtension(next); ++i) {
    if (i == kMaxExtensionHeaders || rest.size() < 8) return false;
    size_t size = size_t{8} + rest[1] * 8u;
    if (next == kFragment) size = 8;
    if (next == kAuthentication) size = (size_t{rest[1]} + 2) * 4;
    if (size > rest.size()) return false;
    const bool fragment_header = next == kFragment;
    next = rest[0];
    if (fragment_header) {
      const uint16_t field = LoadBe16(rest.data() + 2);
      ip->fragment_offset = field & 0xfff8u;
      ip->more_fragments = field & 1;
      ip->fragment = ip->more_fragments || ip->fragment_offset != 0;
      ip->identification = LoadBe32(rest.data() + 4);
    }
    rest = rest.subspan(size);
    // Behind a later fragment's header there is payload, not headers.
    if (ip->fragment) break;
  }
  ip->protocol = next;
  ip->payload = rest;
  return true;
}

std::optional<IpHeader> ReadIpHeader(ByteView datagram) {
  if (datagram.empty()) return std::nullopt;
  switch (datagram[0] >> 4) {
    case 4:
      return ReadIpv4(datagram);
    case 6:
      return ReadIpv6(datagram);
    default:
      return std::nullopt;
  }
}

}  // namespace flowstitch
