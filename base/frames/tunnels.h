// Datagrams that carry frames or datagrams of other hosts.
#ifndef FLOWSTITCH_BASE_FRAMES_TUNNELS_H_
#define FLOWSTITCH_BASE_FRAMES_TUNNELS_H_

#include "base/frames/ip_header.h"
#include "base/frames/link_headers.h"
#include "base/frames/tunnel_path.h"

namespace flowstitch {

// When `ip`, a whole datagram, is a tunnel: fills `tunnel`, and `inner` with what it carries.
// A port number proves nothing: UDP is a tunnel only when what it carries is sound. Otherwise
// `inner->unread` says what the datagram is.
bool OpenTunnel(const IpHeader& ip, Tunnel* tunnel, LinkLayer* inner);

// The same for both directions, whatever numbers each end has given the tunnel; 0: no tunnel.
uint64_t HashOfPath(const TunnelPath& path);

}  // namespace flowstitch

#endif  // FLOWSTITCH_BASE_FRAMES_TUNNELS_H_
