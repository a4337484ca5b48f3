// The tunnels that a datagram came through.
#ifndef FLOWSTITCH_BASE_FRAMES_TUNNEL_PATH_H_
#define FLOWSTITCH_BASE_FRAMES_TUNNEL_PATH_H_

#include <array>
#include <cstddef>
#include <cstdint>

#include "base/ip_address.h"

namespace flowstitch {

enum class TunnelKind : uint8_t {
  kIpInIp,    // RFC 2003, 2473, 4213: IPv4 and IPv6 in each other
  kGre,       // RFC 2784 and 2890, also PPTP's (RFC 2637) and NVGRE (RFC 7637)
  kErspan,    // Ethernet mirrored over GRE, types I to III
  kEtherIp,   // RFC 3378
  kMplsInIp,  // RFC 4023 and 7510
  kVxlan,     // RFC 7348, also GPE
  kGeneve,    // RFC 8926
  kGtpU,      // 3GPP TS 29.281
  kTeredo,    // RFC 4380
  kL2tp,      // RFC 2661 and 3931
  kCapwap,    // RFC 5415, data
  kLisp,      // RFC 9300
  kTzsp,      // TaZmen Sniffer Protocol
  kAyiya,     // draft-massar-v6ops-ayiya-02
};

// Deeper nesting is not opened (too_deep_datagrams).
inline constexpr size_t kMaxTunnelDepth = 8;

struct Tunnel {
  TunnelKind kind = TunnelKind::kIpInIp;
  // GRE key, VXLAN, GENEVE or LISP network, GTP endpoint, L2TP session; 0 where there is none.
  uint32_t id = 0;
  IpAddress source;
  IpAddress destination;
};

// The tunnels around a datagram, outermost first.
struct TunnelPath {
  std::array<Tunnel, kMaxTunnelDepth> tunnels;
  size_t depth = 0;
};

}  // namespace flowstitch

#endif  // FLOWSTITCH_BASE_FRAMES_TUNNEL_PATH_H_
