#include "reassembler/frames/frame_decoder.h"

#include <algorithm>

namespace flowstitch {
namespace {

uint64_t HashOfVlans(const VlanTags& vlans) {
  uint64_t hash = 0;
  for (size_t i = 0; i < vlans.count; ++i) hash = MixBits(hash ^ (vlans.ids[i] + 1u));
  return hash;
}

}  // namespace

FrameDecoder::FrameDecoder(const DecoderOptions& options, ReassemblyLedger* ledger, Taker* taker)
    : options_(options),
      ledger_(*ledger),
      taker_(*taker),
      defragmenter_(options.fragments),
      checksums_(options.checksum),
      duplicates_(options.duplicates) {}

// Any number that a source says may be a link type, and any that a packet says the rest.
void FrameDecoder::NoteUnread(UnreadKind kind) {
  if (kind.layer == UnreadLayer::kNone) return;
  if (unread_.size() >= kMaxUnreadKinds && !unread_.contains(kind)) kind.number = kOtherNumbers;
  ++unread_[kind];
}

bool FrameDecoder::Take(const LinkLayer& link) {
  switch (link.verdict) {
    case LinkVerdict::kIp:
      return true;
    case LinkVerdict::kNotIp:
      ++ledger_.not_ip_frames;
      NoteUnread(link.unread);
      return false;
    case LinkVerdict::kUnknownLinkType:
      ++ledger_.unknown_link_type_frames;
      NoteUnread(link.unread);
      return false;
    case LinkVerdict::kMalformed:
      ++ledger_.malformed_frames;
      return false;
  }
  return false;
}

void FrameDecoder::NoteBeacon(const LinkLayer& link) {
  const WirelessNetwork network{link.source_mac, std::string(AsText(link.beacon_ssid))};
  if (networks_.size() >= kMaxNetworks && networks_.count(network) == 0) return;
  ++networks_[network];
}

void FrameDecoder::Decode(const Frame& frame, TimeNs now_ns) {
  ++ledger_.frames_received;
  snapshot_lengths_.Note(frame);
  LinkLayer link = ReadLinkLayer(frame.link_type, frame.bytes);
  if (Take(link)) {
    DecodeDatagram(frame, link, now_ns);
  } else if (link.is_beacon) {
    NoteBeacon(link);
  }
  while (!link.subframes.empty() && NextSubframe(&link)) {
    ++ledger_.extra_datagrams;
    if (Take(link)) DecodeDatagram(frame, link, now_ns);
  }
}

// Opens tunnels until there is none.
void FrameDecoder::DecodeDatagram(const Frame& frame, const LinkLayer& link, TimeNs now_ns) {
  path_.depth = 0;
  ByteView datagram = link.datagram;
  while (true) {
    auto ip = ReadIpHeader(datagram);
    if (!ip) {
      ++ledger_.malformed_frames;
      return;
    }
    if (!checksums_.Accepts(*ip, frame.source)) {
      ++ledger_.bad_checksum_datagrams;
      return;
    }
    verdict_ = {};
    bool rebuilt = false;
    if (ip->fragment) {
      if (!IsNew(frame, link, *ip, now_ns)) return;
      ip = defragmenter_.Add(*ip, HashOfPath(path_), now_ns, &ledger_);
      if (!ip) return;
      const size_t whole = ip->payload.size();
      if (!SkipExtensionHeaders(&*ip)) {
        ++ledger_.malformed_frames;
        return;
      }
      defragmenter_.SkipHeaders(whole - ip->payload.size());
      // A datagram that was cut off is known by its fragments.
      verdict_ = defragmenter_.verdict();
      rebuilt = verdict_.digest != 0;
      if (ip->fragment) {  // fragments of fragments: nobody sends them
        ++ledger_.malformed_frames;
        return;
      }
      if (!checksums_.Accepts(*ip, frame.source)) {
        ++ledger_.bad_checksum_datagrams;
        return;
      }
    }
    if (ip->protocol == kProtocolTcp) {
      if (!rebuilt && !IsNew(frame, link, *ip, now_ns)) return;
      TakeSegment(frame, link, *ip,
                  rebuilt ? defragmenter_.pieces() : std::span<const Defragmenter::Piece>{});
      return;
    }
    Tunnel tunnel;
    LinkLayer inner;
    if (!OpenTunnel(*ip, &tunnel, &inner)) {
      if (!rebuilt && !IsNew(frame, link, *ip, now_ns)) return;
      if (!options_.udp || ip->protocol != kProtocolUdp) NoteUnread(inner.unread);
      TakeUdp(frame, link, *ip);
      return;
    }
    if (path_.depth >= std::min(options_.tunnel_depth, kMaxTunnelDepth)) {
      ++ledger_.too_deep_datagrams;
      return;
    }
    ++ledger_.tunnels_opened;
    path_.tunnels[path_.depth++] = tunnel;
    if (!Take(inner)) return;
    datagram = inner.datagram;
  }
}

// What tells flows apart beside protocol, addresses and ports; 0: nothing.
uint64_t FrameDecoder::ScopeOf(const Frame& frame, const LinkLayer& link) const {
  const FlowKeyParts& parts = options_.key_parts;
  if (!parts.vlan && !parts.tunnel && !parts.source) return 0;
  uint64_t scope = parts.source ? frame.source + 1 : 0;
  if (parts.vlan) scope = MixBits(scope ^ HashOfVlans(link.vlans));
  if (parts.tunnel) scope = MixBits(scope ^ HashOfPath(path_));
  return scope;
}

// The innermost datagram counts, so that a sensor inside of a tunnel and one at its end agree.
bool FrameDecoder::IsNew(const Frame& frame, const LinkLayer& link, const IpHeader& ip,
                         TimeNs now_ns) {
  if (!several_sources_) return true;
  verdict_ = duplicates_.Judge(ip, ScopeOf(frame, link), frame.source, frame.time_ns, now_ns);
  ledger_.duplicates_forgotten = duplicates_.forgotten();
  if (!verdict_.copy) return true;
  CountCopy(frame);
  taker_.OnCopy();
  return false;
}

void FrameDecoder::CountCopy(const Frame& frame) {
  ++ledger_.duplicate_frames;
  if (copies_.size() <= frame.source) copies_.resize(frame.source + 1);
  ++copies_[frame.source];
}

bool FrameDecoder::Adds(const Frame& frame, size_t header, Passage* passage) {
  if (several_sources_) passage->digest = verdict_.digest;
  // Of a header that was not whole, nothing was taken.
  if (verdict_.longer_than == 0 || verdict_.known < header) return false;
  CountCopy(frame);
  passage->longer_than = verdict_.longer_than;
  passage->known = verdict_.known - static_cast<uint32_t>(header);
  return true;
}

void FrameDecoder::Fill(const Frame& frame, const LinkLayer& link, const IpHeader& ip,
                        uint16_t source_port, uint16_t destination_port, Passage* passage) const {
  const KeyedDirection keyed =
      MakeFlowKey({ip.source, source_port}, {ip.destination, destination_port});
  passage->key = keyed.key;
  passage->key.protocol = ip.protocol;
  passage->from_high = keyed.from_high;
  const uint64_t scope = ScopeOf(frame, link);
  passage->key.scope = static_cast<uint32_t>(scope ^ (scope >> 32));
  passage->truncated = ip.truncated;
  passage->opens_no_flow = frame.opens_no_flow;
  passage->transport = ip.payload;
  passage->time_ns = frame.time_ns;
  passage->wire_length = frame.wire_length;
  passage->captured_length = static_cast<uint32_t>(frame.bytes.size());
  passage->may_be_filled = snapshot_lengths_.MayCaptureMoreThan(passage->captured_length);
  passage->link = &link;
  passage->tunnels = &path_;
}

void FrameDecoder::TakeSegment(const Frame& frame, const LinkLayer& link, const IpHeader& ip,
                               std::span<const Defragmenter::Piece> pieces) {
  Segment segment;
  TcpHeader& tcp = segment.tcp;
  if (!ReadTcpHeader(ip.payload, &tcp)) {
    ++ledger_.malformed_frames;
    ++ledger_.bad_segments;
    return;
  }
  if (OddFlags(tcp.flags)) {
    ++ledger_.odd_flag_segments;
    segment.odd_flags = true;
    tcp.flags = EffectiveFlags(tcp.flags);
  }
  Fill(frame, link, ip, tcp.source_port, tcp.destination_port, &segment);
  const size_t header = ip.payload.size() - tcp.payload.size();
  if (!Adds(frame, header, &segment)) ++ledger_.segments;
  ledger_.payload_bytes += tcp.payload.size();
  taker_.OnSegment(segment);
  // Behind what was cut off fragments.
  for (const Defragmenter::Piece& piece : pieces) {
    Segment more = segment;
    more.tcp.sequence += static_cast<uint32_t>(piece.offset - header);
    more.tcp.payload = piece.bytes;
    more.tcp.flags &= static_cast<uint8_t>(~(kTcpSyn | kTcpFin));
    more.longer_than = verdict_.digest;
    more.digest = 0;
    more.known = more.truncated = 0;
    ledger_.payload_bytes += piece.bytes.size();
    taker_.OnSegment(more);
  }
}

void FrameDecoder::TakeUdp(const Frame& frame, const LinkLayer& link, const IpHeader& ip) {
  const ByteView bytes = ip.payload;
  if (!options_.udp || ip.protocol != kProtocolUdp) {
    ++ledger_.not_tcp_datagrams;
    return;
  }
  if (bytes.size() < 8) {
    ++ledger_.malformed_frames;
    return;
  }
  UdpDatagram datagram;
  Fill(frame, link, ip, LoadBe16(bytes.data()), LoadBe16(bytes.data() + 2), &datagram);
  datagram.payload = bytes.subspan(8);
  // RFC 768: the length bounds the payload; 0 stands for a jumbo datagram (RFC 2675).
  const size_t length = LoadBe16(bytes.data() + 4);
  if (length >= 8) {
    const size_t whole = length - 8;
    const size_t captured = std::min(whole, datagram.payload.size());
    datagram.payload = datagram.payload.first(captured);
    if (whole < captured + datagram.truncated) {
      datagram.truncated = static_cast<uint32_t>(whole - captured);
    }
  }
  if (!Adds(frame, 8, &datagram)) ++ledger_.udp_datagrams;
  ledger_.payload_bytes += datagram.payload.size();
  taker_.OnUdpDatagram(datagram);
}

}  // namespace flowstitch
