// Link types by the numbers that capture files carry: https://www.tcpdump.org/linktypes.html.
// libpcap's DLT_ numbers are the same but for a few.
#ifndef FLOWSTITCH_BASE_LINK_TYPE_H_
#define FLOWSTITCH_BASE_LINK_TYPE_H_

#include <cstdint>

namespace flowstitch {

inline constexpr uint32_t kLinkNull = 0;
inline constexpr uint32_t kLinkEthernet = 1;
inline constexpr uint32_t kLinkTokenRing = 6;
inline constexpr uint32_t kLinkArcnetBsd = 7;
inline constexpr uint32_t kLinkSlip = 8;
inline constexpr uint32_t kLinkPpp = 9;
inline constexpr uint32_t kLinkFddi = 10;
inline constexpr uint32_t kLinkRawBsd = 12;      // DLT_RAW, found in files of some systems
inline constexpr uint32_t kLinkRawOpenBsd = 14;  // the same on OpenBSD
inline constexpr uint32_t kLinkPppHdlc = 50;
inline constexpr uint32_t kLinkPppEther = 51;
inline constexpr uint32_t kLinkAtmRfc1483 = 100;
inline constexpr uint32_t kLinkRaw = 101;
inline constexpr uint32_t kLinkCiscoHdlc = 104;
inline constexpr uint32_t kLinkIeee80211 = 105;
inline constexpr uint32_t kLinkFrameRelay = 107;
inline constexpr uint32_t kLinkLoop = 108;
inline constexpr uint32_t kLinkEnc = 109;
inline constexpr uint32_t kLinkLinuxSll = 113;
inline constexpr uint32_t kLinkPflog = 117;
inline constexpr uint32_t kLinkPrism = 119;
inline constexpr uint32_t kLinkIpOverFc = 122;
inline constexpr uint32_t kLinkRadiotap = 127;
inline constexpr uint32_t kLinkArcnetLinux = 129;
inline constexpr uint32_t kLinkIpOverIeee1394 = 138;
inline constexpr uint32_t kLinkPktapUser2 = 149;  // PKTAP, as macOS writes it
inline constexpr uint32_t kLinkAvs = 163;
inline constexpr uint32_t kLinkPppPppd = 166;
inline constexpr uint32_t kLinkJuniperEther = 178;
inline constexpr uint32_t kLinkPpi = 192;
inline constexpr uint32_t kLinkErf = 197;
inline constexpr uint32_t kLinkPppWithDirection = 204;
inline constexpr uint32_t kLinkCiscoHdlcWithDirection = 205;
inline constexpr uint32_t kLinkFrameRelayWithDirection = 206;
inline constexpr uint32_t kLinkIpv4 = 228;
inline constexpr uint32_t kLinkIpv6 = 229;
inline constexpr uint32_t kLinkNflog = 239;
inline constexpr uint32_t kLinkNetAnalyzer = 240;
inline constexpr uint32_t kLinkIpoib = 242;
inline constexpr uint32_t kLinkPktap = 258;
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
