// Tunnels in UDP, told by their ports.
#ifndef FLOWSTITCH_BASE_FRAMES_UDP_TUNNELS_H_
#define FLOWSTITCH_BASE_FRAMES_UDP_TUNNELS_H_

#include "base/frames/link_headers.h"
#include "base/frames/tunnel_path.h"

namespace flowstitch {

// `datagram` begins with the UDP header. False: no tunnel that is known; then `inner->unread` may
// say what it is. What it carries is not looked at yet.
bool OpenUdpTunnel(ByteView datagram, Tunnel* tunnel, LinkLayer* inner);

// RFC 3931: cookie and sublayer have sizes that only the two ends know; what reads as Ethernet with
// a sound datagram is it. `bytes` are those behind the session.
LinkVerdict ReadL2tp3(ByteView bytes, LinkLayer* inner);

}  // namespace flowstitch

#endif  // FLOWSTITCH_BASE_FRAMES_UDP_TUNNELS_H_
