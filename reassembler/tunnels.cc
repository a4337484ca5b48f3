#include "reassembler/tunnels.h"

#include "base/flow_key.h"
#include "reassembler/ethernet.h"

namespace flowstitch {
namespace {

constexpr uint8_t kProtocolIpv4 = 4;
constexpr uint8_t kProtocolIpv6 = 41;
constexpr uint8_t kProtocolGre = 47;
constexpr uint8_t kProtocolOldIpInIp = 94;
constexpr uint8_t kProtocolEtherIp = 97;
constexpr uint8_t kProtocolL2tp = 115;
constexpr uint8_t kProtocolMpls = 137;

constexpr uint16_t kPortL2tp = 1701;
constexpr uint16_t kPortGtpU = 2152;
constexpr uint16_t kPortTeredo = 3544;
constexpr uint16_t kPortVxlan = 4789;
constexpr uint16_t kPortVxlanGpe = 4790;
constexpr uint16_t kPortVxlanLinux = 8472;
constexpr uint16_t kPortGeneve = 6081;
constexpr uint16_t kPortMpls = 6635;

// A sound datagram of either version.
bool IsDatagram(ByteView bytes) { return ReadIpHeader(bytes).has_value(); }

LinkVerdict ReadDatagram(ByteView bytes, LinkLayer* inner) {
  return IsDatagram(bytes) ? ReadIp(bytes, inner) : LinkVerdict::kMalformed;
}

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

bool OpenGre(ByteView b, Tunnel* tunnel, LinkLayer* inner) {
  constexpr uint16_t kChecksum = 0x8000;
  constexpr uint16_t kRouting = 0x4000;
  constexpr uint16_t kKey = 0x2000;
  constexpr uint16_t kSequence = 0x1000;
  constexpr uint16_t kAcknowledgement = 0x0080;  // version 1 only
  constexpr uint16_t kPpp = 0x880b;
  constexpr uint16_t kErspan2 = 0x88be;
  constexpr uint16_t kErspan3 = 0x22eb;
  constexpr uint16_t kWccp = 0x883e;
  tunnel->kind = TunnelKind::kGre;
  inner->verdict = LinkVerdict::kMalformed;
  if (b.size() < 4) return true;
  const uint16_t flags = LoadBe16(b.data());
  const uint16_t type = LoadBe16(b.data() + 2);
  const int version = flags & 7;
  if (version > 1) return false;
  size_t at = 4;
  if (version == 0 && (flags & (kChecksum | kRouting))) at += 4;
  if (flags & kKey) {
    if (b.size() < at + 4) return true;
    tunnel->id = LoadBe32(b.data() + at);
    at += 4;
  }
  if (flags & kSequence) at += 4;
  if (version == 1) {
    tunnel->id &= 0xffff;  // the call; the rest is the payload's length
    if (flags & kAcknowledgement) at += 4;
  }
  // RFC 1701: source routes, each with its length; the last one is empty.
  while (version == 0 && (flags & kRouting)) {
    if (b.size() < at + 4) return true;
    const size_t length = b[at + 3];
    const bool last = LoadBe16(b.data() + at) == 0 && length == 0;
    at += 4 + length;
    if (last) break;
  }
  if (b.size() < at) return true;
  b = b.subspan(at);
  switch (type) {
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
      inner->verdict = ReadErspan(type == kErspan3, flags & kSequence, b, inner);
      return true;
    case kWccp:
      // Version 2 has a redirect header of four bytes, version 1 none.
      if (b.size() > 4 && (b[0] >> 4) != 4) b = b.subspan(4);
      inner->verdict = ReadIp(b, inner);
      return true;
    default:
      inner->verdict = ReadEtherType(type, b, inner);
      return true;
  }
}

bool OpenVxlan(bool gpe, ByteView b, Tunnel* tunnel, LinkLayer* inner) {
  constexpr uint8_t kNetworkValid = 0x08;
  constexpr uint8_t kGpeIpv4 = 1;
  constexpr uint8_t kGpeIpv6 = 2;
  if (b.size() < 8 || (b[0] & kNetworkValid) == 0 || b[7] != 0) return false;
  tunnel->kind = TunnelKind::kVxlan;
  tunnel->id = LoadBe32(b.data() + 4) >> 8;
  const bool datagram = gpe && (b[3] == kGpeIpv4 || b[3] == kGpeIpv6);
  b = b.subspan(8);
  inner->verdict = datagram ? ReadDatagram(b, inner) : ReadEthernet(b, inner);
  return true;
}

bool OpenGeneve(ByteView b, Tunnel* tunnel, LinkLayer* inner) {
  if (b.size() < 8 || (b[0] >> 6) != 0) return false;
  const size_t header = 8 + size_t{b[0] & 0x3fu} * 4;
  if (b.size() < header) return false;
  const uint16_t type = LoadBe16(b.data() + 2);
  tunnel->kind = TunnelKind::kGeneve;
  tunnel->id = LoadBe32(b.data() + 4) >> 8;
  b = b.subspan(header);
  inner->verdict = type == kEtherBridged ? ReadEthernet(b, inner) : ReadEtherType(type, b, inner);
  return true;
}

bool OpenGtpU(ByteView b, Tunnel* tunnel, LinkLayer* inner) {
  constexpr uint8_t kUserData = 0xff;
  if (b.size() < 8 || (b[0] >> 5) != 1 || (b[0] & 0x10) == 0 || b[1] != kUserData) return false;
  tunnel->kind = TunnelKind::kGtpU;
  tunnel->id = LoadBe32(b.data() + 4);
  size_t at = 8;
  if (b[0] & 0x07) {  // sequence number, N-PDU number, type of the next extension header
    at = 12;
    if (b.size() < at) return false;
    uint8_t next = b[11];
    while (next != 0) {  // extensions: their length in units of 4, the next type last
      if (b.size() <= at || b[at] == 0) return false;
      at += size_t{b[at]} * 4;
      if (b.size() < at) return false;
      next = b[at - 1];
    }
  }
  inner->verdict = ReadDatagram(b.subspan(at), inner);
  return true;
}

bool OpenTeredo(ByteView b, Tunnel* tunnel, LinkLayer* inner) {
  if (b.size() >= 4 && b[0] == 0 && b[1] == 1) {  // authentication
    const size_t header = size_t{13} + b[2] + b[3];
    if (b.size() < header) return false;
    b = b.subspan(header);
  }
  if (b.size() >= 8 && b[0] == 0 && b[1] == 0) b = b.subspan(8);  // origin
  if (b.empty() || (b[0] >> 4) != 6) return false;
  tunnel->kind = TunnelKind::kTeredo;
  inner->verdict = ReadDatagram(b, inner);
  return true;
}

// RFC 3931: cookie and sublayer have sizes that only the two ends know; what reads as Ethernet with
// a sound datagram is it.
LinkVerdict ReadL2tp3(ByteView b, LinkLayer* inner) {
  for (const size_t skip : {0, 4, 8, 12}) {
    if (b.size() < skip) break;
    LinkLayer guess;
    if (ReadEthernet(b.subspan(skip), &guess) != LinkVerdict::kIp) continue;
    if (!IsDatagram(guess.datagram)) continue;
    *inner = guess;
    return LinkVerdict::kIp;
  }
  return LinkVerdict::kNotIp;
}

bool OpenL2tp(ByteView b, Tunnel* tunnel, LinkLayer* inner) {
  constexpr uint16_t kControl = 0x8000;
  constexpr uint16_t kLength = 0x4000;
  constexpr uint16_t kSequence = 0x0800;
  constexpr uint16_t kOffset = 0x0200;
  if (b.size() < 6) return false;
  const uint16_t flags = LoadBe16(b.data());
  const int version = flags & 0x0f;
  if ((flags & kControl) || (version != 2 && version != 3)) return false;
  tunnel->kind = TunnelKind::kL2tp;
  if (version == 3) {
    if (b.size() < 8) return false;
    tunnel->id = LoadBe32(b.data() + 4);
    inner->verdict = ReadL2tp3(b.subspan(8), inner);
    return true;
  }
  size_t at = flags & kLength ? 4 : 2;
  if (b.size() < at + 4) return false;
  tunnel->id = LoadBe32(b.data() + at);  // tunnel and session
  at += 4;
  if (flags & kSequence) at += 4;
  if (flags & kOffset) {
    if (b.size() < at + 2) return false;
    at += size_t{2} + LoadBe16(b.data() + at);
  }
  if (b.size() < at) return false;
  inner->verdict = ReadPpp(b.subspan(at), inner);
  return true;
}

bool OpenUdp(ByteView b, Tunnel* tunnel, LinkLayer* inner) {
  if (b.size() < 8) return false;
  const uint16_t ports[2] = {LoadBe16(b.data() + 2), LoadBe16(b.data())};
  const size_t length = LoadBe16(b.data() + 4);
  ByteView payload = b.subspan(8);
  if (length >= 8) payload = payload.first(std::min(payload.size(), length - 8));
  for (const uint16_t port : ports) {
    switch (port) {
      case kPortVxlan:
      case kPortVxlanLinux:
        return OpenVxlan(/*gpe=*/false, payload, tunnel, inner);
      case kPortVxlanGpe:
        return OpenVxlan(/*gpe=*/true, payload, tunnel, inner);
      case kPortGeneve:
        return OpenGeneve(payload, tunnel, inner);
      case kPortGtpU:
        return OpenGtpU(payload, tunnel, inner);
      case kPortTeredo:
        return OpenTeredo(payload, tunnel, inner);
      case kPortL2tp:
        return OpenL2tp(payload, tunnel, inner);
      case kPortMpls:
        tunnel->kind = TunnelKind::kMplsInIp;
        inner->verdict = ReadMpls(payload, inner);
        return true;
      default:
        break;
    }
  }
  return false;
}

}  // namespace

bool OpenTunnel(const IpHeader& ip, Tunnel* tunnel, LinkLayer* inner) {
  *tunnel = {TunnelKind::kIpInIp, 0, ip.source, ip.destination};
  switch (ip.protocol) {
    case kProtocolUdp:
      if (!OpenUdp(ip.payload, tunnel, inner)) return false;
      return inner->verdict == LinkVerdict::kNotIp ||
             (inner->verdict == LinkVerdict::kIp && IsDatagram(inner->datagram));
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
                           tunnel.kind == TunnelKind::kGeneve || tunnel.kind == TunnelKind::kErspan;
    hash = MixBits(hash ^ SymmetricAddressHash(tunnel.source, tunnel.destination) ^
                   (uint64_t{shared_id ? tunnel.id : 0} << 8) ^ static_cast<uint64_t>(tunnel.kind));
  }
  return hash;
}

}  // namespace flowstitch
