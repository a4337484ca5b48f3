#include "tests/support/packet_builder.h"

#include <arpa/inet.h>

#include <algorithm>
#include <cstdlib>
#include <map>

namespace flowstitch::testing {
namespace {

void Put16(Packet* p, uint16_t value) {
  p->push_back(static_cast<uint8_t>(value >> 8));
  p->push_back(static_cast<uint8_t>(value));
}

void Put32(Packet* p, uint32_t value) {
  Put16(p, static_cast<uint16_t>(value >> 16));
  Put16(p, static_cast<uint16_t>(value));
}

void PutBytes(Packet* p, ByteView bytes) { p->insert(p->end(), bytes.begin(), bytes.end()); }

uint32_t Sum(ByteView bytes, uint32_t sum = 0) {
  for (size_t i = 0; i + 1 < bytes.size(); i += 2) sum += LoadBe16(bytes.data() + i);
  if (bytes.size() % 2 == 1) sum += uint32_t{bytes.back()} << 8;
  return sum;
}

uint16_t Fold(uint32_t sum) {
  while (sum >> 16) sum = (sum & 0xffff) + (sum >> 16);
  return static_cast<uint16_t>(~sum);
}

// Integers of a capture file in either byte order.
class FileBytes {
 public:
  explicit FileBytes(bool big) : big_(big) {}
  void U16(uint32_t v) { Put(v, 2); }
  void U32(uint32_t v) { Put(v, 4); }
  void Raw(ByteView bytes) { text_.append(AsText(bytes)); }
  void Pad4() { text_.append((4 - text_.size() % 4) % 4, '\0'); }
  std::string& text() { return text_; }

 private:
  void Put(uint32_t v, int width) {
    for (int i = 0; i < width; ++i) {
      const int shift = 8 * (big_ ? width - 1 - i : i);
      text_ += static_cast<char>(v >> shift);
    }
  }
  bool big_;
  std::string text_;
};

}  // namespace

IpAddress Address(std::string_view text) {
  uint8_t bytes[16] = {};
  const std::string copy(text);
  if (inet_pton(AF_INET, copy.c_str(), bytes) == 1) return IpAddress::FromIpv4(bytes);
  if (inet_pton(AF_INET6, copy.c_str(), bytes) == 1) return IpAddress::FromIpv6(bytes);
  std::abort();  // a typing error in a test
}

Endpoint End(std::string_view address, uint16_t port) { return {Address(address), port}; }

Packet TcpBytes(const SegmentSpec& s) {
  Packet options = s.options;
  while (options.size() % 4 != 0) options.push_back(1);
  Packet p;
  Put16(&p, s.source.port);
  Put16(&p, s.destination.port);
  Put32(&p, s.sequence);
  Put32(&p, s.acknowledgement);
  p.push_back(static_cast<uint8_t>((5 + options.size() / 4) << 4));
  p.push_back(s.flags);
  Put16(&p, s.window);
  Put16(&p, 0);
  Put16(&p, 0);
  PutBytes(&p, options);
  PutBytes(&p, AsBytes(s.payload));
  uint32_t sum = Sum(s.source.address.wire());
  sum = Sum(s.destination.address.wire(), sum);
  sum += 6 + static_cast<uint32_t>(p.size());
  StoreBe16(p.data() + 16, Fold(Sum(p, sum)));
  return p;
}

Packet IpDatagram(const IpAddress& source, const IpAddress& destination, uint8_t protocol,
                  const Packet& payload, uint16_t ip_id, uint16_t fragment_field) {
  Packet p;
  if (source.family == IpFamily::kIpv4) {
    p = {0x45, 0};
    Put16(&p, static_cast<uint16_t>(20 + payload.size()));
    Put16(&p, ip_id);
    Put16(&p, fragment_field);
    p.push_back(64);
    p.push_back(protocol);
    Put16(&p, 0);
    PutBytes(&p, source.wire());
    PutBytes(&p, destination.wire());
    StoreBe16(p.data() + 10, Fold(Sum(p)));
  } else {
    p = {0x60, 0, 0, 0};
    Put16(&p, static_cast<uint16_t>(payload.size()));
    p.push_back(protocol);
    p.push_back(64);
    PutBytes(&p, source.wire());
    PutBytes(&p, destination.wire());
  }
  return p + payload;
}

Packet Datagram(const SegmentSpec& s) {
  return IpDatagram(s.source.address, s.destination.address, 6, TcpBytes(s), s.ip_id);
}

Packet EthernetFrame(const Packet& datagram, const std::vector<uint16_t>& vlans) {
  Packet p = {2, 0, 0, 0, 0, 2, 2, 0, 0, 0, 0, 1};
  for (const uint16_t vlan : vlans) {
    Put16(&p, 0x8100);
    Put16(&p, vlan);
  }
  Put16(&p, datagram.empty() || datagram[0] >> 4 == 4 ? 0x0800 : 0x86dd);
  return p + datagram;
}

void CutOff(Packet* packet, size_t bytes) {
  packet->erase(packet->end() - static_cast<long>(std::min(bytes, packet->size())), packet->end());
}

CapturedPacket Capture(Packet frame, TimeNs time_ns, uint32_t link_type) {
  const auto length = static_cast<uint32_t>(frame.size());
  return {std::move(frame), length, time_ns, link_type};
}

std::string PcapFile(const std::vector<CapturedPacket>& packets, bool big_endian,
                     bool nanoseconds) {
  FileBytes f(big_endian);
  f.U32(nanoseconds ? 0xa1b23c4d : 0xa1b2c3d4);
  f.U16(2);
  f.U16(4);
  f.U32(0);
  f.U32(0);
  f.U32(262144);
  f.U32(packets.empty() ? kLinkEthernet : packets[0].link_type);
  for (const CapturedPacket& packet : packets) {
    const SplitTime time = SplitTimeNs(packet.time_ns);
    f.U32(static_cast<uint32_t>(time.seconds));
    f.U32(static_cast<uint32_t>(nanoseconds ? time.nanoseconds : time.nanoseconds / 1000));
    f.U32(static_cast<uint32_t>(packet.bytes.size()));
    f.U32(packet.wire_length);
    f.Raw(packet.bytes);
  }
  return std::move(f.text());
}

std::string PcapngFile(const std::vector<CapturedPacket>& packets, bool big_endian) {
  FileBytes f(big_endian);
  f.U32(0x0a0d0d0a);
  f.U32(28);
  f.U32(0x1a2b3c4d);
  f.U16(1);
  f.U16(0);
  f.U32(0xffffffff);
  f.U32(0xffffffff);
  f.U32(28);
  std::map<uint32_t, uint32_t> interfaces;
  for (const CapturedPacket& packet : packets) {
    if (!interfaces.contains(packet.link_type)) {
      const auto number = static_cast<uint32_t>(interfaces.size());
      interfaces[packet.link_type] = number;
      f.U32(1);
      f.U32(32);
      f.U16(packet.link_type);
      f.U16(0);
      f.U32(0);
      f.U16(9);  // if_tsresol: 10^-9
      f.U16(1);
      f.Raw(Packet{9, 0, 0, 0});
      f.U32(0);  // opt_endofopt
      f.U32(32);
    }
    const auto units = static_cast<uint64_t>(packet.time_ns);
    const auto padded = static_cast<uint32_t>((packet.bytes.size() + 3) & ~size_t{3});
    f.U32(6);
    f.U32(32 + padded);
    f.U32(interfaces[packet.link_type]);
    f.U32(static_cast<uint32_t>(units >> 32));
    f.U32(static_cast<uint32_t>(units));
    f.U32(static_cast<uint32_t>(packet.bytes.size()));
    f.U32(packet.wire_length);
    f.Raw(packet.bytes);
    f.Pad4();
    f.U32(32 + padded);
  }
  return std::move(f.text());
}

Packet operator+(const Packet& a, const Packet& b) {
  Packet sum = a;
  sum.insert(sum.end(), b.begin(), b.end());
  return sum;
}

Packet Bytes(std::initializer_list<int> values) {
  Packet p;
  for (const int value : values) p.push_back(static_cast<uint8_t>(value));
  return p;
}

}  // namespace flowstitch::testing
