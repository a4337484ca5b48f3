#include "base/frames/tunnels.h"

#include <algorithm>

#include "base/flow_key.h"
#include "base/frames/ethernet.h"
#include "base/frames/udp_tunnels.h"
#include "base/frames/wireless.h"

namespace flowstitch {
namespace {

constexpr uint8_t kProtocolIpv4 = 4;
constexpr uint8_t kProtocolIpv6 = 41;
constexpr uint8_t kProtocolGre = 47;
constexpr uint8_t kProtocolOldIpInIp = 94;
constexpr uint8_t kProtocolEtherIp = 97;
constexpr uint8_t kProtocolL2tp = 115;
constexpr uint8_t kProtocolMpls = 137;

// ERSPAN type II has a header of 8 bytes (and a GRE sequence number), type I none; III (RFC draft
// foschiano-erspan) 12, and 8 more where the last bit says so.
LinkVerdict ReadErspan(bool type3, bool sequence_present, ByteView bytes, LinkLayer* inner) {
  size_t header = sequence_present ? 8 : 0;
  if (type3) {
    if (bytes.size() < 12) return LinkVerdict::kMalformed;
    header = bytes[11] & 1 ? 20 : 12;
  }
  if (bytes.size() < header) return LinkVerdict::kMalformed;
  return ReadEthernet(bytes.subspan(header), inner);
}

// Aruba's controllers: the number says which radio the 802.11 frame is of.
bool IsArubaWireless(uint16_t type) {
  return (type >= 0x8200 && type <= 0x8370 && (type & 0x0f) == 0) || type == 0x9000;
}

// RFC 2784, 2890 and 1701; version 1 is RFC 2637's.
struct GreHeader {
  int version = 0;
  uint16_t type = 0;
  uint32_t id = 0;  // the key; of version 1 the call
  bool has_sequence = false;
  ByteView payload;
};

// False when it is cut off. Of a version that is not known nothing more is read.
bool ReadGreHeader(ByteView b, GreHeader* gre) {
  constexpr uint16_t kChecksum = 0x8000;
  constexpr uint16_t kRouting = 0x4000;
  constexpr uint16_t kKey = 0x2000;
  constexpr uint16_t kSequence = 0x1000;
  constexpr uint16_t kAcknowledgement = 0x0080;  // version 1 only
  if (b.size() < 4) return false;
  const uint16_t flags = LoadBe16(b.data());
  gre->type = LoadBe16(b.data() + 2);
  gre->version = flags & 7;
  gre->has_sequence = (flags & kSequence) != 0;
  if (gre->version > 1) return true;
  size_t at = 4;
  if (gre->version == 0 && (flags & (kChecksum | kRouting))) at += 4;
  if (flags & kKey) {
    if (b.size() < at + 4) return false;
    gre->id = LoadBe32(b.data() + at);
    at += 4;
  }
  if (gre->has_sequence) at += 4;
  size_t length = b.size();
  if (gre->version == 1) {
    if (flags & kKey) length = gre->id >> 16;  // RFC 2637: of the payload; the rest is the call
    gre->id &= 0xffff;
    if (flags & kAcknowledgement) at += 4;
  }
  // RFC 1701: source routes, each with its length; the last one is empty.
  while (gre->version == 0 && (flags & kRouting)) {
    if (b.size() < at + 4) return false;
    const size_t route = b[at + 3];
    const bool last = LoadBe16(b.data() + at) == 0 && route == 0;
    at += 4 + route;
    if (last) break;
  }
  if (b.size() < at) return false;
  gre->payload = AtMost(b.subspan(at), length);
  return true;
}

bool OpenGre(ByteView b, Tunnel* tunnel, LinkLayer* inner) {
  constexpr uint16_t kPpp = 0x880b;
  constexpr uint16_t kErspan2 = 0x88be;
  constexpr uint16_t kErspan3 = 0x22eb;
  constexpr uint16_t kWccp = 0x883e;
  constexpr uint16_t kEoip = 0x6400;  // MikroTik's, version 1: length, number, a whole frame
  tunnel->kind = TunnelKind::kGre;
  inner->verdict = LinkVerdict::kMalformed;
  GreHeader gre;
  const bool whole = ReadGreHeader(b, &gre);
  tunnel->id = gre.id;
  if (!whole) return true;
  if (gre.version > 1) return false;
  b = gre.payload;
  if (IsArubaWireless(gre.type)) {
    inner->verdict = ReadIeee80211(b, {}, inner);
    return true;
  }
  switch (gre.type) {
    case kEoip:
      tunnel->id = __builtin_bswap16(static_cast<uint16_t>(tunnel->id));  // the one in that order
      inner->verdict = ReadEthernet(b, inner);
      return true;
    case kPpp:
      // PPTP acknowledges with packets that carry nothing.
      inner->verdict = b.empty() ? LinkVerdict::kNotIp : ReadPpp(b, inner);
      return true;
    case kEtherBridged:
      inner->verdict = ReadEthernet(b, inner);
      return true;
    case kErspan2:
    case kErspan3:
      tunnel->kind = TunnelKind::kErspan;
      inner->verdict = ReadErspan(gre.type == kErspan3, gre.has_sequence, b, inner);
      return true;
    case kWccp:
      // Version 2 has a redirect header of four bytes, version 1 none.
      if (b.size() > 4 && (b[0] >> 4) != 4) b = b.subspan(4);
      inner->verdict = ReadIp(b, inner);
      return true;
    default:
      inner->verdict = ReadEtherType(gre.type, b, inner);
      return true;
  }
}

// Of a UDP datagram that is no tunnel: more than its port.
bool SaysWhatItIs(UnreadLayer layer) {
  return layer == UnreadLayer::kGeneveVersion || layer == UnreadLayer::kFragment;
}

}  // namespace

bool OpenTunnel(const IpHeader& ip, Tunnel* tunnel, LinkLayer* inner) {
  *tunnel = {TunnelKind::kIpInIp, 0, ip.source, ip.destination};
  if (ip.protocol != kProtocolUdp) inner->unread = {UnreadLayer::kIpProtocol, ip.protocol};
  switch (ip.protocol) {
    case kProtocolUdp:
      if (OpenUdpTunnel(ip.payload, tunnel, inner) &&
          (inner->verdict == LinkVerdict::kNotIp ||
           (inner->verdict == LinkVerdict::kIp && ReadIpHeader(inner->datagram).has_value()))) {
        return true;
      }
      if (!SaysWhatItIs(inner->unread.layer) && ip.payload.size() >= 4) {
        inner->unread = {UnreadLayer::kUdpPort,
                         std::min(LoadBe16(ip.payload.data()), LoadBe16(ip.payload.data() + 2))};
      }
      return false;
    case kProtocolIpv4:
    case kProtocolIpv6:
    case kProtocolOldIpInIp:
      inner->verdict = ReadIp(ip.payload, inner);
      return true;
    case kProtocolGre:
      return OpenGre(ip.payload, tunnel, inner);
    case kProtocolEtherIp:
      if (ip.payload.size() < 2 || (ip.payload[0] >> 4) != 3) return false;
      tunnel->kind = TunnelKind::kEtherIp;
      inner->verdict = ReadEthernet(ip.payload.subspan(2), inner);
      return true;
    case kProtocolL2tp:
      if (ip.payload.size() < 4 || LoadBe32(ip.payload.data()) == 0) return false;  // control
      tunnel->kind = TunnelKind::kL2tp;
      tunnel->id = LoadBe32(ip.payload.data());
      inner->verdict = ReadL2tp3(ip.payload.subspan(4), inner);
      return true;
    case kProtocolMpls:
      tunnel->kind = TunnelKind::kMplsInIp;
      inner->verdict = ReadMpls(ip.payload, inner);
      return true;
    default:
      return false;
  }
}

uint64_t HashOfPath(const TunnelPath& path) {
  uint64_t hash = 0;
  for (size_t i = 0; i < path.depth; ++i) {
    const Tunnel& tunnel = path.tunnels[i];
    // Each end of a GTP, L2TP or PPTP tunnel numbers it for itself.
    const bool shared_id = tunnel.kind == TunnelKind::kVxlan ||
                           tunnel.kind == TunnelKind::kGeneve ||
                           tunnel.kind == TunnelKind::kErspan || tunnel.kind == TunnelKind::kLisp;
    hash = MixBits(hash ^ SymmetricAddressHash(tunnel.source, tunnel.destination) ^
                   (uint64_t{shared_id ? tunnel.id : 0} << 8) ^ static_cast<uint64_t>(tunnel.kind));
  }
  return hash;
}

}  // namespace flowstitch
