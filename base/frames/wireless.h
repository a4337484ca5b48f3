// IEEE 802.11 data frames and the headers that drivers put in front of them.
#ifndef FLOWSTITCH_BASE_FRAMES_WIRELESS_H_
#define FLOWSTITCH_BASE_FRAMES_WIRELESS_H_

#include "base/frames/link_headers.h"

namespace flowstitch {

// What the driver's header says of the frame behind it.
struct WirelessHints {
  bool data_pad = false;    // the 802.11 header is padded to a multiple of 4
  bool bad_fcs = false;     // no receiver took it
  bool fcs_behind = false;  // 4 bytes of checksum at the end
  bool swapped = false;     // the two bytes of frame control stand the other way round
};

LinkVerdict ReadIeee80211(ByteView frame, WirelessHints hints, LinkLayer* link);
LinkVerdict ReadRadiotap(ByteView frame, LinkLayer* link);
// Prism and AVS headers share a link type; the first bytes tell them apart.
LinkVerdict ReadPrismOrAvs(ByteView frame, LinkLayer* link);
// What the PPI header (https://www.tcpdump.org/linktypes/LINKTYPE_PPI.html) says of the 802.11
// frame behind it.
WirelessHints ReadPpiHints(ByteView header);

}  // namespace flowstitch

#endif  // FLOWSTITCH_BASE_FRAMES_WIRELESS_H_
