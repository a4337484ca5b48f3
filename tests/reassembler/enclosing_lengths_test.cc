// Lengths that headers claim of what they carry.
#include "tests/support/flow_checks.h"
#include "tests/support/tunnel_frames.h"

namespace flowstitch {
namespace {

using namespace flowstitch::testing;

// Of all lengths that are claimed around a byte, the smallest counts.
TEST(EnclosingLengths, EachBoundsWhatIsInside) {
  // A frame in which the datagram has `length` bytes, says what is around it; more follow.
  using Frame = Packet (*)(const Packet& d, int length);
  const std::pair<const char*, Frame> cases[] = {
      {"pppoe",
       [](const Packet& d, int length) {
         return kMacs + Bytes({0x88, 0x64, 0x11, 0, 0, 1, 0, length + 2, 0, 0x21}) + d;
       }},
      {"802.3",
       [](const Packet& d, int length) {
         return kMacs + Bytes({0, length + 8, 0xaa, 0xaa, 3, 0, 0, 0, 8, 0}) + d;
       }},
      {"macsec",
       [](const Packet& d, int length) {
         const Packet tag = Bytes({0x88, 0xe5, 0, length + 2 < 64 ? length + 2 : 0, 0, 0, 0, 1});
         return kMacs + tag + Bytes({8, 0}) + d;
       }},
      {"pseudowire",
       [](const Packet& d, int length) {
         const Packet inner = kMacs + Bytes({8, 0});
         return kMacs + Bytes({0x88, 0x47, 0, 1, 1, 64, 0, length + 18, 0, 0}) + inner + d;
       }},
      {"pptp",
       [](const Packet& d, int length) {
         const Packet gre = Bytes({0x20, 1, 0x88, 0x0b, 0, length + 2, 0, 5, 0, 0x21});
         return EthernetFrame(In4(47, gre + d));
       }},
      {"gtp",
       [](const Packet& d, int length) {
         return EthernetFrame(In4(17, Udp(2152, Bytes({0x30, 255, 0, length, 0, 0, 0, 5}) + d)));
       }},
      {"l2tp",
       [](const Packet& d, int length) {
         const Packet head = Bytes({0x40, 2, 0, length + 10, 0, 1, 0, 2, 0, 0x21});
         return EthernetFrame(In4(17, Udp(1701, head + d, 1701)));
       }},
      {"udp",
       [](const Packet& d, int length) {
         Packet udp = Udp(4341, Bytes({0, 0, 0, 0, 0, 0, 0, 0}) + d);
         udp[5] = static_cast<uint8_t>(length + 16);
         return EthernetFrame(In4(17, udp));
       }},
      {"ip in ip",
       [](const Packet& d, int length) {
         const Packet part(d.begin(), d.begin() + length);
         return EthernetFrame(In4(4, part)) + Packet(d.begin() + length, d.end());
       }},
  };
  for (const auto& [name, frame] : cases) {
    SCOPED_TRACE(name);
    auto packets = Fresh().Handshake().Client("abc").Close().packets;
    for (CapturedPacket& packet : packets) {
      Packet datagram(packet.bytes.begin() + 14, packet.bytes.end());
      const int length = Length(datagram);
      const bool data = LoadBe16(datagram.data() + 2) == 43;
      // It claims 46 bytes, of which the last three are what somebody else put there.
      if (data) datagram[3] = 46;
      packet = Capture(frame(datagram + Packet(3, 'x'), length), packet.time_ns);
    }
    const auto flow = OnlyFlow(packets);
    EXPECT_EQ(flow.client().substr(0, 3), "abc");
    EXPECT_EQ(flow.client().find('x'), std::string::npos) << flow.client();
  }
}

}  // namespace
}  // namespace flowstitch
