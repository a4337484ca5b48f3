#include "sinks/records/unread_names.h"

#include <span>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"

namespace flowstitch {
namespace {

struct Name {
  uint32_t number;
  const char* text;
};

// What captures without a flow most often hold.
constexpr Name kEtherTypes[] = {
    {0x0001, "Novell 802.3"},
    {0x000c, "CAN bus"},
    {0x0806, "ARP"},
    {0x2000, "Cisco CDP"},
    {0x8035, "reverse ARP"},
    {0x8137, "IPX"},
    {0x8808, "flow control"},
    {0x8809, "slow protocols"},
    {0x8863, "PPPoE discovery"},
    {0x888e, "EAPOL"},
    {0x8892, "PROFINET"},
    {0x88a4, "EtherCAT"},
    {0x88b8, "GOOSE"},
    {0x88ba, "sampled values"},
    {0x88bb, "LWAPP"},
    {0x88cc, "LLDP"},
    {0x88f7, "PTP"},
    {0x8906, "Fibre Channel"},
    {0x8914, "FIP"},
    {0x8915, "RoCE"},
    {0x9000, "loopback test"},
};
constexpr Name kIpProtocols[] = {
    {1, "ICMP"},  {2, "IGMP"},   {17, "UDP"},    {33, "DCCP"},  {46, "RSVP"},
    {47, "GRE"},  {50, "ESP"},   {58, "ICMPv6"}, {88, "EIGRP"}, {89, "OSPF"},
    {103, "PIM"}, {112, "VRRP"}, {115, "L2TP"},  {132, "SCTP"}, {136, "UDP-Lite"},
};
constexpr Name kPorts[] = {
    {53, "DNS"},    {67, "DHCP"},      {123, "NTP"},    {137, "NetBIOS"},
    {161, "SNMP"},  {443, "QUIC"},     {500, "IKE"},    {514, "syslog"},
    {1900, "SSDP"}, {2055, "NetFlow"}, {4500, "IPsec"}, {4739, "IPFIX"},
    {5353, "mDNS"}, {5555, "HP ERM"},  {6343, "sFlow"}, {51820, "WireGuard"},
};
constexpr Name kLlcPoints[] = {{0x42, "spanning tree"}, {0xaa, "SNAP"}, {0xe0, "IPX"},
                               {0xf0, "NetBIOS"},       {0xfe, "OSI"},  {0xff, "Novell 802.3"}};
constexpr Name kPppProtocols[] = {
    {0x8021, "IPCP"}, {0xc021, "LCP"}, {0xc023, "PAP"}, {0xc223, "CHAP"}, {0x00fd, "compressed"}};

std::string Suffix(std::span<const Name> names, uint32_t number) {
  for (const Name& name : names) {
    if (name.number == number) return absl::StrCat(" (", name.text, ")");
  }
  return "";
}

}  // namespace

const char* LayerName(UnreadLayer layer) {
  switch (layer) {
    case UnreadLayer::kLinkType:
      return "link_type";
    case UnreadLayer::kEtherType:
      return "ether_type";
    case UnreadLayer::kLlc:
      return "llc";
    case UnreadLayer::kPppProtocol:
      return "ppp_protocol";
    case UnreadLayer::kIpProtocol:
      return "ip_protocol";
    case UnreadLayer::kUdpPort:
      return "udp_port";
    case UnreadLayer::kNshProtocol:
      return "nsh_protocol";
    case UnreadLayer::kErfType:
      return "erf_type";
    case UnreadLayer::kGeneveVersion:
      return "geneve_version";
    case UnreadLayer::kWireless:
      return "wireless";
    case UnreadLayer::kEncrypted:
      return "encrypted";
    case UnreadLayer::kFragment:
      return "fragment";
    case UnreadLayer::kLoopbackFamily:
      return "loopback_family";
    case UnreadLayer::kNone:
      break;
  }
  return "unknown";
}

std::string NameOf(const UnreadKind& kind) {
  const uint32_t number = kind.number;
  if (number == UINT32_MAX) return absl::StrCat("one of many kinds of ", LayerName(kind.layer));
  switch (kind.layer) {
    case UnreadLayer::kLinkType:
      return absl::StrCat("link type ", number);
    case UnreadLayer::kEtherType:
      return absl::StrFormat("EtherType 0x%04x", number) + Suffix(kEtherTypes, number);
    case UnreadLayer::kLlc:
      return absl::StrFormat("LLC 0x%02x", number) + Suffix(kLlcPoints, number);
    case UnreadLayer::kPppProtocol:
      return absl::StrFormat("PPP protocol 0x%04x", number) + Suffix(kPppProtocols, number);
    case UnreadLayer::kIpProtocol:
      return absl::StrCat("IP protocol ", number, Suffix(kIpProtocols, number));
    case UnreadLayer::kUdpPort:
      return absl::StrCat("UDP port ", number, Suffix(kPorts, number));
    case UnreadLayer::kNshProtocol:
      return absl::StrCat("NSH protocol ", number);
    case UnreadLayer::kErfType:
      return absl::StrCat("ERF type ", number);
    case UnreadLayer::kGeneveVersion:
      return absl::StrCat("GENEVE version ", number);
    case UnreadLayer::kWireless:
      return number == 0x08 ? "802.11 beacons"
             : number >> 4 == 2
                 ? "802.11 data without a payload"
                 : absl::StrCat("802.11 ", number >> 4 == 0 ? "management" : "control", " frames");
    case UnreadLayer::kEncrypted:
      return number == 0 ? "encrypted 802.11 frames" : "encrypted MACsec frames";
    case UnreadLayer::kFragment:
      return number == 0 ? "802.11 fragments" : "CAPWAP fragments";
    case UnreadLayer::kLoopbackFamily:
      return absl::StrCat("address family ", number);
    case UnreadLayer::kNone:
      break;
  }
  return "of an unknown kind";
}

}  // namespace flowstitch
