// From a frame to the TCP segments (and UDP datagrams) in it: link layer, tunnels, fragments,
// checksums. Every frame is counted under one reason.
#ifndef FLOWSTITCH_REASSEMBLER_FRAMES_FRAME_DECODER_H_
#define FLOWSTITCH_REASSEMBLER_FRAMES_FRAME_DECODER_H_

#include <array>
#include <map>
#include <span>
#include <string>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "base/frame.h"
#include "base/ledger.h"
#include "reassembler/frames/checksums.h"
#include "reassembler/frames/defragmenter.h"
#include "reassembler/frames/segment.h"
#include "reassembler/sources/duplicate_filter.h"
#include "reassembler/sources/snapshot_lengths.h"

namespace flowstitch {

// What is part of a flow's identity beside protocol, addresses and ports.
struct FlowKeyParts {
  bool vlan = false;    // the VLAN numbers of the frame
  bool tunnel = false;  // kinds and ends of the tunnels
  bool source = false;  // the source that saw it
};

// A wireless network that announced itself.
struct WirelessNetwork {
  std::array<uint8_t, 6> mac = {};
  std::string ssid;
  friend auto operator<=>(const WirelessNetwork&, const WirelessNetwork&) = default;
};

struct DecoderOptions {
  FragmentLimits fragments;
  DuplicateLimits duplicates;
  ChecksumPolicy checksum = ChecksumPolicy::kIgnore;
  FlowKeyParts key_parts;
  // Tunnels inside each other that are opened, at most kMaxTunnelDepth.
  size_t tunnel_depth = kMaxTunnelDepth;
  bool udp = false;  // UDP datagrams are wanted
};

class FrameDecoder {
 public:
  class Taker {
   public:
    virtual ~Taker() = default;
    virtual void OnSegment(const Segment& segment) = 0;
    virtual void OnUdpDatagram(const UdpDatagram& datagram) = 0;
    // Another source had delivered what this frame brings.
    virtual void OnCopy() = 0;
  };

  // `ledger` and `taker` outlive the decoder.
  FrameDecoder(const DecoderOptions& options, ReassemblyLedger* ledger, Taker* taker);

  // `now_ns` is the highest capture time so far.
  void Decode(const Frame& frame, TimeNs now_ns);

  // With several sources, one datagram that more than one of them saw counts once.
  void set_several_sources() {
    several_sources_ = !options_.key_parts.source;
    if (several_sources_) defragmenter_.set_several_sources();
  }
  const DuplicateFilter& duplicates() const { return duplicates_; }
  // Copies of others' datagrams, by source.
  uint64_t copies(uint32_t source) const { return source < copies_.size() ? copies_[source] : 0; }

  // Beacons of wireless networks, by who sent them; of at most kMaxNetworks.
  const std::map<WirelessNetwork, uint64_t>& networks() const { return networks_; }
  static constexpr size_t kMaxNetworks = 65536;
  // Frames that are not read, by what they are; beyond so many kinds, a layer's others under one
  // number.
  static constexpr size_t kMaxUnreadKinds = 1024;
  static constexpr uint32_t kOtherNumbers = UINT32_MAX;
  using UnreadFrames = absl::flat_hash_map<UnreadKind, uint64_t>;
  const UnreadFrames& unread() const { return unread_; }

 private:
  void NoteUnread(UnreadKind kind);
  void DecodeDatagram(const Frame& frame, const LinkLayer& link, TimeNs now_ns);
  // Counts a verdict; true when there is a datagram to look into.
  bool Take(const LinkLayer& link);
  uint64_t ScopeOf(const Frame& frame, const LinkLayer& link) const;
  // False where another source has delivered the datagram, and no less of it.
  bool IsNew(const Frame& frame, const LinkLayer& link, const IpHeader& ip, TimeNs now_ns);
  void CountCopy(const Frame& frame);
  // Whether a longer copy of a transport header's payload adds to a shorter one.
  bool Adds(const Frame& frame, size_t header, Passage* passage);
  void NoteBeacon(const LinkLayer& link);
  // `pieces`: what is known of a datagram behind its first hole.
  void TakeSegment(const Frame& frame, const LinkLayer& link, const IpHeader& ip,
                   std::span<const Defragmenter::Piece> pieces);
  void TakeUdp(const Frame& frame, const LinkLayer& link, const IpHeader& ip);
  void Fill(const Frame& frame, const LinkLayer& link, const IpHeader& ip, uint16_t source_port,
            uint16_t destination_port, Passage* passage) const;

  const DecoderOptions options_;
  ReassemblyLedger& ledger_;
  Taker& taker_;
  Defragmenter defragmenter_;
  ChecksumJudge checksums_;
  DuplicateFilter duplicates_;
  SnapshotLengths snapshot_lengths_;
  bool several_sources_ = false;
  std::vector<uint64_t> copies_;
  // Of the datagram that is being decoded.
  TunnelPath path_;
  DuplicateFilter::Verdict verdict_;
  UnreadFrames unread_;
  std::map<WirelessNetwork, uint64_t> networks_;
};

}  // namespace flowstitch

#endif  // FLOWSTITCH_REASSEMBLER_FRAMES_FRAME_DECODER_H_
