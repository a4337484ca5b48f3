// The tunnels that a datagram came through.
#ifndef FLOWSTITCH_BASE_FRAMES_TUNNEL_PATH_H_
#define FLOWSTITCH_BASE_FRAMES_TUNNEL_PATH_H_

#include <array>
#include <cstddef>
#include <cstdint>

#include "base/flow_facts.h"
#include "base/ip_address.h"

namespace flowstitch {

// Deeper nesting is not opened (too_deep_datagrams).
inline constexpr size_t kMaxTunnelDepth = 8;

struct Tunnel {
  TunnelKind kind = TunnelKind::kUnknown;
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
