// What a frame was that nothing here reads, by the field that said so: for the line that tells
// somebody why a capture gave nothing.
#ifndef FLOWSTITCH_BASE_UNREAD_LAYER_H_
#define FLOWSTITCH_BASE_UNREAD_LAYER_H_

#include <compare>
#include <cstdint>
#include <utility>

namespace flowstitch {

// The numbers are those of wire::UnreadFrames.
enum class UnreadLayer : uint8_t {
  kNone = 0,
  kLinkType = 1,       // of capture files: https://www.tcpdump.org/linktypes.html
  kEtherType = 2,      // IEEE 802 numbers
  kLlc = 3,            // IEEE 802.2, the destination's service access point
  kPppProtocol = 4,    // IANA's PPP numbers
  kIpProtocol = 5,     // IANA's protocol numbers
  kUdpPort = 6,        // the lower of the two
  kNshProtocol = 7,    // RFC 8300
  kErfType = 8,        // Endace's record types
  kGeneveVersion = 9,  // RFC 8926: 0 is read
  kWireless = 10,      // IEEE 802.11: type (2 bits) and subtype of what is not data
  kEncrypted = 11,     // the EtherType of MACsec; 0: an 802.11 frame
  kFragment = 12,      // of a CAPWAP frame (the UDP port), or of an 802.11 frame (0)
  kLoopbackFamily = 13,
};

struct UnreadKind {
  UnreadLayer layer = UnreadLayer::kNone;
  uint32_t number = 0;
  friend auto operator<=>(const UnreadKind&, const UnreadKind&) = default;
  template <typename H>
  friend H AbslHashValue(H h, const UnreadKind& kind) {
    return H::combine(std::move(h), kind.layer, kind.number);
  }
};

}  // namespace flowstitch

#endif  // FLOWSTITCH_BASE_UNREAD_LAYER_H_
