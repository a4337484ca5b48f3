// Bytes as one frame of any link type: link layers, IP, fragments, TCP.
#include "reassembler/defragmenter.h"
#include "reassembler/segment_decoder.h"
#include "tests/fuzz/fuzz.h"
#include "tests/support/packet_builder.h"

using namespace flowstitch;
using namespace flowstitch::testing;

namespace {

bool Inside(ByteView part, ByteView whole) {
  return part.empty() ||
         (part.data() >= whole.data() && part.data() + part.size() <= whole.data() + whole.size());
}

}  // namespace

// The first byte chooses the link type.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  static constexpr uint32_t kTypes[] = {0, 1, 9, 12, 14, 50, 101, 108, 113, 228, 229, 276, 147};
  if (size == 0) return 0;
  const ByteView frame{data + 1, size - 1};
  const LinkLayer link = ReadLinkLayer(kTypes[data[0] % std::size(kTypes)], frame);
  Must(link.vlan_count <= kMaxVlanTags, "tags are bounded");
  if (link.verdict != LinkVerdict::kIp) return 0;
  Must(Inside(link.datagram, frame), "the datagram lies in the frame");
  auto ip = ReadIpHeader(link.datagram);
  if (!ip) return 0;
  Must(Inside(ip->payload, link.datagram), "the payload lies in the datagram");
  static Defragmenter defragmenter;
  static ReassemblyLedger ledger;
  if (ip->fragment) ip = defragmenter.Add(*ip, 0, &ledger);
  if (!ip) return 0;
  Segment segment;
  if (ReadSegment(*ip, &segment) != DatagramVerdict::kSegment) return 0;
  Must(Inside(segment.tcp.payload, ip->payload), "the data lie in the payload");
  return 0;
}

std::vector<std::string> flowstitch::testing::FuzzSeeds() {
  const SegmentSpec four{End("10.0.0.1", 1), End("10.0.0.2", 2), 1, 2, kTcpAck, "data", 1, 1,
                         {2, 4, 5, 6}};
  const SegmentSpec six{End("2001::1", 1), End("2001::2", 2), 1, 0, kTcpSyn, "", 1, 1, {34, 2}};
  std::vector<std::string> seeds;
  const auto add = [&seeds](char type, const Packet& p) {
    seeds.push_back(std::string(1, type) + std::string(AsText(p)));
  };
  add(1, EthernetFrame(Datagram(four)));
  add(1, EthernetFrame(Datagram(six), {1, 2}));
  add(6, Datagram(six));
  add(0, Bytes({2, 0, 0, 0}) + Datagram(four));
  add(2, Bytes({0xff, 3, 0, 0x21}) + Datagram(four));
  add(8, Bytes({0, 0, 0, 1, 0, 6, 1, 2, 3, 4, 5, 6, 0, 0, 8, 0}) + Datagram(four));
  add(6, IpDatagram(Address("10.0.0.1"), Address("10.0.0.2"), 6, Packet(16, 1), 5, 0x2000));
  add(6, IpDatagram(Address("2001::1"), Address("2001::2"), 44,
                    Bytes({6, 0, 0, 9, 0, 0, 0, 1}) + Packet(16, 1)));
  add(6, IpDatagram(Address("2001::1"), Address("2001::2"), 0,
                    Bytes({60, 0, 0xc2, 4, 0, 1, 0, 0, 6, 0, 1, 4, 0, 0, 0, 0}) + TcpBytes(six)));
  return seeds;
}
