#include "base/frames/udp_tunnels.h"

#include "base/frames/encapsulations.h"
#include "base/frames/ethernet.h"
#include "base/frames/ip_header.h"
#include "base/frames/wireless.h"

namespace flowstitch {
namespace {

constexpr uint8_t kProtocolIpv4 = 4;
constexpr uint8_t kProtocolIpv6 = 41;

constexpr uint16_t kPortL2tp = 1701;
constexpr uint16_t kPortGtpU = 2152;
constexpr uint16_t kPortTeredo = 3544;
constexpr uint16_t kPortLisp = 4341;
constexpr uint16_t kPortVxlan = 4789;
constexpr uint16_t kPortVxlanGpe = 4790;
constexpr uint16_t kPortVxlanLinux = 8472;
constexpr uint16_t kPortAyiya = 5072;
constexpr uint16_t kPortCapwap = 5247;
constexpr uint16_t kPortGeneve = 6081;
constexpr uint16_t kPortMpls = 6635;
constexpr uint16_t kPortTzsp = 37008;

// A sound datagram of either version.
bool IsDatagram(ByteView bytes) { return ReadIpHeader(bytes).has_value(); }

LinkVerdict ReadDatagram(ByteView bytes, LinkLayer* inner) {
  return IsDatagram(bytes) ? ReadIp(bytes, inner) : LinkVerdict::kMalformed;
}

LinkVerdict ReadInVxlan(uint8_t next, ByteView b, LinkLayer* inner) {
  constexpr uint8_t kGpeIpv4 = 1;
  constexpr uint8_t kGpeIpv6 = 2;
  constexpr uint8_t kGpeNsh = 4;
  constexpr uint8_t kGpeMpls = 5;
  switch (next) {
    case kGpeIpv4:
    case kGpeIpv6:
      return ReadDatagram(b, inner);
    case kGpeNsh:
      return ReadNsh(b, inner);
    case kGpeMpls:
      return ReadMpls(b, inner);
    default:
      return ReadEthernet(b, inner);
  }
}

bool OpenVxlan(bool gpe, ByteView b, Tunnel* tunnel, LinkLayer* inner) {
  constexpr uint8_t kNetworkValid = 0x08;
  if (b.size() < 8 || (b[0] & kNetworkValid) == 0) return false;
  tunnel->kind = TunnelKind::kVxlan;
  tunnel->id = LoadBe32(b.data() + 4) >> 8;
  inner->verdict = ReadInVxlan(gpe ? b[3] : 0, b.subspan(8), inner);
  // Whoever receives it ignores the last byte, RFC 7348 says; set, it needs a datagram as a proof.
  return b[7] == 0 || inner->verdict == LinkVerdict::kIp;
}

bool OpenGeneve(ByteView b, Tunnel* tunnel, LinkLayer* inner) {
  if (b.size() < 8) return false;
  if ((b[0] >> 6) != 0) {
    inner->unread = {UnreadLayer::kGeneveVersion, uint32_t{b[0]} >> 6};
    return false;
  }
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
  b = AtMost(b, size_t{8} + LoadBe16(b.data() + 2));
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
  if (flags & kLength) b = AtMost(b, LoadBe16(b.data() + 2));  // of it all
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

// RFC 5415, 4.3: preamble, the header's length in words and what is in it. Of a frame in fragments
// the first one is read, as one that was cut off.
bool OpenCapwap(ByteView b, Tunnel* tunnel, LinkLayer* inner) {
  constexpr uint32_t kNativeFrame = 0x100;
  constexpr uint32_t kFragment = 0x80;
  constexpr uint32_t kKeepAlive = 0x08;
  if (b.size() < 8 || b[0] != 0) return false;  // version 0, without DTLS
  const uint32_t fields = LoadBe32(b.data());
  const size_t header = (fields >> 19 & 0x1f) * size_t{4};
  if (header < 8 || header > b.size() || (fields & kKeepAlive)) return false;
  tunnel->kind = TunnelKind::kCapwap;
  if ((fields & kFragment) && (LoadBe16(b.data() + 6) >> 3) != 0) {
    inner->unread = {UnreadLayer::kFragment, kPortCapwap};
    return false;
  }
  b = b.subspan(header);
  if ((fields & kNativeFrame) == 0) {
    inner->verdict = ReadEthernet(b, inner);
    return true;
  }
  for (const bool swapped : {false, true}) {  // as Cisco's access points do
    LinkLayer guess;
    WirelessHints hints;
    hints.swapped = swapped;
    guess.verdict = ReadIeee80211(b, hints, &guess);
    if (guess.verdict != LinkVerdict::kIp || !IsDatagram(guess.datagram)) continue;
    *inner = guess;
    return true;
  }
  return false;
}

// RFC 9300, 5.1: flags, nonce or versions, network or status bits; then a datagram.
bool OpenLisp(ByteView b, Tunnel* tunnel, LinkLayer* inner) {
  constexpr uint8_t kNetwork = 0x08;
  if (b.size() < 8) return false;
  tunnel->kind = TunnelKind::kLisp;
  if (b[0] & kNetwork) tunnel->id = LoadBe32(b.data() + 4) >> 8;
  inner->verdict = ReadDatagram(b.subspan(8), inner);
  return true;
}

// What a sensor sent on: version 1, a received frame and of which kind, tags to an end tag.
bool OpenTzsp(ByteView b, Tunnel* tunnel, LinkLayer* inner) {
  constexpr uint8_t kPadding = 0;
  constexpr uint8_t kEndOfTags = 1;
  constexpr uint16_t kEthernet = 1;
  constexpr uint16_t kWireless = 18;
  constexpr uint16_t kPrism = 119;
  constexpr uint16_t kAvs = 127;
  if (b.size() < 5 || b[0] != 1 || b[1] > 1) return false;
  const uint16_t kind = LoadBe16(b.data() + 2);
  b = b.subspan(4);
  while (!b.empty() && b[0] != kEndOfTags) {
    const size_t tag = b[0] == kPadding || b.size() < 2 ? 1 : size_t{2} + b[1];
    if (tag > b.size()) return false;
    b = b.subspan(tag);
  }
  if (b.empty()) return false;
  b = b.subspan(1);
  tunnel->kind = TunnelKind::kTzsp;
  switch (kind) {
    case kEthernet:
      inner->verdict = ReadEthernet(b, inner);
      return true;
    case kWireless:
      inner->verdict = ReadIeee80211(b, {}, inner);
      return true;
    case kPrism:
    case kAvs:
      inner->verdict = ReadPrismOrAvs(b, inner);
      return true;
    default:
      return false;
  }
}

// Lengths of identity (2^n) and signature (words), methods, what follows, time; both of them.
bool OpenAyiya(ByteView b, Tunnel* tunnel, LinkLayer* inner) {
  constexpr uint8_t kForward = 1;
  if (b.size() < 8 || (b[2] & 0x0f) != kForward) return false;
  const size_t header = 8 + (size_t{1} << (b[0] >> 4)) + (b[1] >> 4) * size_t{4};
  if (header > b.size() || (b[3] != kProtocolIpv4 && b[3] != kProtocolIpv6)) return false;
  tunnel->kind = TunnelKind::kAyiya;
  inner->verdict = ReadDatagram(b.subspan(header), inner);
  return true;
}

}  // namespace

LinkVerdict ReadL2tp3(ByteView b, LinkLayer* inner) {
  for (const size_t skip : {0u, 4u, 8u, 12u}) {
    if (b.size() < skip) break;
    LinkLayer guess;
    if (ReadEthernet(b.subspan(skip), &guess) != LinkVerdict::kIp) continue;
    if (!IsDatagram(guess.datagram)) continue;
    *inner = guess;
    return LinkVerdict::kIp;
  }
  return LinkVerdict::kNotIp;
}

bool OpenUdpTunnel(ByteView b, Tunnel* tunnel, LinkLayer* inner) {
  if (b.size() < 8) return false;
  const uint16_t ports[2] = {LoadBe16(b.data() + 2), LoadBe16(b.data())};
  const size_t length = LoadBe16(b.data() + 4);
  ByteView payload = b.subspan(8);
  if (length >= 8) payload = AtMost(payload, length - 8);
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
      case kPortCapwap:
        return OpenCapwap(payload, tunnel, inner);
      case kPortLisp:
        return OpenLisp(payload, tunnel, inner);
      case kPortTzsp:
        return OpenTzsp(payload, tunnel, inner);
      case kPortAyiya:
        return OpenAyiya(payload, tunnel, inner);
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

}  // namespace flowstitch
