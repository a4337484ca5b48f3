// What the headers of a frame say, up to the datagram in it.
#ifndef FLOWSTITCH_BASE_FRAMES_LINK_HEADERS_H_
#define FLOWSTITCH_BASE_FRAMES_LINK_HEADERS_H_

#include <array>
#include <cstdint>

#include "base/bytes.h"
#include "base/unread_layer.h"

namespace flowstitch {

enum class LinkVerdict : uint8_t { kIp, kNotIp, kMalformed, kUnknownLinkType };

// Deeper stacks of tags and labels are malformed.
inline constexpr int kMaxVlanTags = 8;
inline constexpr int kMaxTags = 16;  // of all kinds
inline constexpr int kMaxMplsLabels = 16;
inline constexpr int kMaxNestedFrames = 8;

// VLAN numbers, outermost first, 12 bits each.
struct VlanTags {
  uint8_t count = 0;
  bool outer_8021q = false;  // the first tag has the type 0x8100
  std::array<uint16_t, kMaxVlanTags> ids = {};
  friend bool operator==(const VlanTags&, const VlanTags&) = default;
};

struct LinkLayer {
  LinkVerdict verdict = LinkVerdict::kMalformed;
  // From the IP header to the end of what was captured and of what each header around it claims;
  // padding may be behind it.
  ByteView datagram;
  ByteView subframes;  // of an 802.11 aggregate: what follows the datagram; see NextSubframe
  bool has_macs = false;
  bool is_beacon = false;   // an 802.11 beacon, of which these are known:
  ByteView beacon_ssid;     // the network's name, empty when it hides it; `source_mac` sent it
  bool pseudowire = false;  // it came out of one; there is no second in it
  uint8_t frames = 0;       // Ethernet headers, each within the one before
  uint8_t tags = 0;         // of all kinds, in all of them
  UnreadKind unread;        // where the verdict is kNotIp: what it is, as far as that is known
  VlanTags vlans;
  std::array<uint8_t, 6> source_mac = {};
  std::array<uint8_t, 6> destination_mac = {};
};

}  // namespace flowstitch

#endif  // FLOWSTITCH_BASE_FRAMES_LINK_HEADERS_H_
