// IPv4 (RFC 791) and IPv6 with its extension headers (RFC 8200, RFC 2675). The captured bytes bound
// everything; within them the datagram's own length bounds the payload, so padding is never data.
#ifndef FLOWSTITCH_BASE_FRAMES_IP_HEADER_H_
#define FLOWSTITCH_BASE_FRAMES_IP_HEADER_H_

#include <optional>

#include "base/ip_address.h"

namespace flowstitch {

inline constexpr uint8_t kProtocolTcp = 6;
inline constexpr uint8_t kProtocolUdp = 17;

// A longer chain of IPv6 extension headers is malformed.
inline constexpr int kMaxExtensionHeaders = 16;

struct IpHeader {
  IpAddress source;
  IpAddress destination;
  uint8_t protocol = 0;    // of the payload
  ByteView header;         // of IPv4, for its checksum
  ByteView payload;        // what was captured of it
  uint32_t truncated = 0;  // bytes of the payload that the capture cut off
  // Of a fragment: then `payload` is the fragment's part only. An atomic IPv6 fragment is none.
  bool fragment = false;
  bool more_fragments = false;
  uint32_t fragment_offset = 0;  // in bytes
  uint32_t identification = 0;
};

// Moves behind the extension headers that `payload` begins with, to what they carry: in IPv4 that
// of authentication only (RFC 4302). A fragment header makes it a fragment. False when they
// contradict their lengths. Also for a datagram that was rebuilt: its first fragment may begin with
// some.
bool SkipExtensionHeaders(IpHeader* ip);

// Nothing when the header contradicts the captured length or itself.
std::optional<IpHeader> ReadIpHeader(ByteView datagram);

}  // namespace flowstitch

#endif  // FLOWSTITCH_BASE_FRAMES_IP_HEADER_H_
