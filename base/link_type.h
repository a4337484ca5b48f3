// Link types by the numbers that capture files carry: https://www.tcpdump.org/linktypes.html.
// libpcap's DLT_ numbers are the same but for a few.
#ifndef FLOWSTITCH_BASE_LINK_TYPE_H_
#define FLOWSTITCH_BASE_LINK_TYPE_H_

#include <cstdint>

namespace flowstitch {

inline constexpr uint32_t kLinkNull = 0;
inline constexpr uint32_t kLinkEthernet = 1;
inline constexpr uint32_t kLinkPpp = 9;
inline constexpr uint32_t kLinkRawBsd = 12;      // DLT_RAW, found in files of some systems
inline constexpr uint32_t kLinkRawOpenBsd = 14;  // the same on OpenBSD
inline constexpr uint32_t kLinkPppHdlc = 50;
inline constexpr uint32_t kLinkRaw = 101;
inline constexpr uint32_t kLinkLoop = 108;
inline constexpr uint32_t kLinkLinuxSll = 113;
inline constexpr uint32_t kLinkIpv4 = 228;
inline constexpr uint32_t kLinkIpv6 = 229;
inline constexpr uint32_t kLinkLinuxSll2 = 276;

// From and to libpcap's numbers, for live capture and filters.
inline constexpr uint32_t LinkTypeFromDlt(int dlt) {
  return dlt == 12 || dlt == 14 ? kLinkRaw : static_cast<uint32_t>(dlt);
}
inline constexpr int DltFromLinkType(uint32_t link_type) {
  const bool raw = link_type == kLinkRaw || link_type == kLinkRawOpenBsd;
  return raw ? 12 : static_cast<int>(link_type);
}

}  // namespace flowstitch

#endif  // FLOWSTITCH_BASE_LINK_TYPE_H_
