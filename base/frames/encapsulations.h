// Frames and datagrams inside of frames, below IP and beside VLAN tags, MPLS and PPPoE: what
// switches, wireless controllers and mirrors put around a frame.
#ifndef FLOWSTITCH_BASE_FRAMES_ENCAPSULATIONS_H_
#define FLOWSTITCH_BASE_FRAMES_ENCAPSULATIONS_H_

#include "base/frames/link_headers.h"

namespace flowstitch {

// How many bytes a tag has from behind its own EtherType to behind the EtherType that follows it;
// 0: `type` is no tag. May shorten `bytes` to what the tag says that there is.
// IEEE 802.1BR and Cisco's VN-Tag, HSR (IEC 62439-3), MACsec without encryption (IEEE 802.1AE),
// Cisco's metadata (0x8909) and time stamps (0x8988).
size_t TagBytes(uint16_t type, ByteView* bytes);

// What else an EtherType may announce: a whole frame behind a header of its own. IEEE 802.1ah,
// TRILL (RFC 6325), NSH (RFC 8300), Cisco FabricPath, PPP. kNotIp where it is none of these.
LinkVerdict ReadEncapsulation(uint16_t type, ByteView bytes, LinkLayer* link);

// RFC 8300: a header with its length, then what its next protocol says.
LinkVerdict ReadNsh(ByteView bytes, LinkLayer* link);

// https://www.tcpdump.org/linktypes/LINKTYPE_ERF.html: a record header of 16 bytes, extensions of 8
// each, then what its type says.
LinkVerdict ReadErf(ByteView frame, LinkLayer* link);
// https://www.tcpdump.org/linktypes/LINKTYPE_IPOIB.html: the global route header of 40 bytes, then
// RFC 4391: EtherType and two reserved bytes.
LinkVerdict ReadIpoib(ByteView frame, LinkLayer* link);

}  // namespace flowstitch

#endif  // FLOWSTITCH_BASE_FRAMES_ENCAPSULATIONS_H_
