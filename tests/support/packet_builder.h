// Packets in one line, for tests and for the capture generator. Headers are sound unless a test
// says otherwise; checksums of IPv4 and TCP are right.
#ifndef FLOWSTITCH_TESTS_SUPPORT_PACKET_BUILDER_H_
#define FLOWSTITCH_TESTS_SUPPORT_PACKET_BUILDER_H_

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/capture_time.h"
#include "base/flow_key.h"
#include "base/frame.h"
#include "base/link_type.h"
#include "reassembler/frames/tcp_header.h"

namespace flowstitch::testing {

using Packet = std::vector<uint8_t>;

// A packet with what a capture file says of it.
struct CapturedPacket {
  Packet bytes;
  uint32_t wire_length = 0;
  TimeNs time_ns = 0;
  uint32_t link_type = kLinkEthernet;

  Frame frame() const { return {bytes, wire_length, link_type, time_ns}; }
};

// "10.0.0.1" or "2001:db8::1".
IpAddress Address(std::string_view text);
Endpoint End(std::string_view address, uint16_t port);

struct SegmentSpec {
  Endpoint source;
  Endpoint destination;
  uint32_t sequence = 0;
  uint32_t acknowledgement = 0;
  uint8_t flags = kTcpAck;
  std::string_view payload;
  uint16_t window = 65535;
  uint16_t ip_id = 0;
  std::vector<uint8_t> options;  // padded to four bytes
};

// The TCP segment alone, the datagram, and the Ethernet frame (with VLAN tags, outermost first).
Packet TcpBytes(const SegmentSpec& spec);
Packet Datagram(const SegmentSpec& spec);
Packet EthernetFrame(const Packet& datagram, const std::vector<uint16_t>& vlans = {});
// An IP datagram around any payload.
Packet IpDatagram(const IpAddress& source, const IpAddress& destination, uint8_t protocol,
                  const Packet& payload, uint16_t ip_id = 0, uint16_t fragment_field = 0);

CapturedPacket Capture(Packet frame, TimeNs time_ns, uint32_t link_type = kLinkEthernet);

// A pcap file of the packets, in nanoseconds; all of one link type.
std::string PcapFile(const std::vector<CapturedPacket>& packets, bool big_endian = false,
                     bool nanoseconds = true);
// A pcapng file, an interface for each link type.
std::string PcapngFile(const std::vector<CapturedPacket>& packets, bool big_endian = false);

// As a snapshot length does.
void CutOff(Packet* packet, size_t bytes);

Packet operator+(const Packet& a, const Packet& b);
Packet Bytes(std::initializer_list<int> values);

}  // namespace flowstitch::testing

#endif  // FLOWSTITCH_TESTS_SUPPORT_PACKET_BUILDER_H_
