// From a frame to the datagram in it: link headers, VLAN stacks, MPLS, PPPoE. Captured bytes only;
// where a header claims more than there is, it is malformed, and where it says how long its payload
// is, nothing behind that is read.
#ifndef FLOWSTITCH_BASE_FRAMES_LINK_LAYER_H_
#define FLOWSTITCH_BASE_FRAMES_LINK_LAYER_H_

#include <cstdint>

#include "base/bytes.h"
#include "base/frames/link_headers.h"

namespace flowstitch {

LinkLayer ReadLinkLayer(uint32_t link_type, ByteView frame);

// An 802.11 frame may carry several datagrams (A-MSDU). Moves `link` to the next one; false when
// there is none. Each has a verdict of its own.
bool NextSubframe(LinkLayer* link);

}  // namespace flowstitch

#endif  // FLOWSTITCH_BASE_FRAMES_LINK_LAYER_H_
