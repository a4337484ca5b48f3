// Each direction of a flow may come through VLANs of its own.
#include "tests/support/flow_checks.h"

namespace flowstitch {
namespace {

using namespace flowstitch::testing;

// The talk with the client's frames in some VLANs, and the server's in others.
std::vector<CapturedPacket> Tagged(const Talk& talk, const std::vector<uint16_t>& client,
                                   const std::vector<uint16_t>& server) {
  std::vector<CapturedPacket> packets = talk.packets;
  for (CapturedPacket& packet : packets) {
    const Packet datagram(packet.bytes.begin() + 14, packet.bytes.end());
    const uint16_t source_port = LoadBe16(datagram.data() + 20);
    packet =
        Capture(EthernetFrame(datagram, source_port == kA.port ? client : server), packet.time_ns);
  }
  return packets;
}

std::vector<uint16_t> Numbers(const VlanTags& vlans) {
  return {vlans.ids.begin(), vlans.ids.begin() + vlans.count};
}

struct Case {
  std::vector<uint16_t> client, server;
};

TEST(Vlans, EachDirectionHasItsOwn) {
  const Case cases[] = {
      {{100}, {200}}, {{}, {200}}, {{100}, {}}, {{1, 2}, {3}}, {{1, 2, 3, 4}, {1, 2, 3}},
      {{7}, {7}},     {{}, {}}};
  for (const Case& c : cases) {
    Talk talk = Fresh().Handshake().Client("question").Server("answer").Close();
    auto packets = Tagged(talk, c.client, c.server);
    const auto flow = OnlyFlow(packets);
    EXPECT_EQ(Numbers(flow.info.link.vlans), c.client);
    EXPECT_EQ(flow.other_vlans.has_value(), c.client != c.server);
    if (flow.other_vlans) {
      EXPECT_EQ(flow.other_vlans->first, kServerToClient);
      EXPECT_EQ(Numbers(flow.other_vlans->second), c.server);
    }
    // Seen from its answer on: the server's are the first.
    packets.erase(packets.begin());
    const auto answered = OnlyFlow(packets);
    EXPECT_EQ(Numbers(answered.info.link.vlans), c.server);
    EXPECT_EQ(answered.other_vlans.has_value(), c.client != c.server);
    if (answered.other_vlans) {
      EXPECT_EQ(Numbers(answered.other_vlans->second), c.client);
    }
  }
}

TEST(Vlans, OfUdpToo) {
  ReassemblyOptions options;
  options.decoder.udp = true;
  const auto packet = [](const Endpoint& from, const Endpoint& to, uint16_t vlan) {
    const Packet payload =
        Bytes({from.port >> 8, from.port & 255, to.port >> 8, to.port & 255, 0, 9, 0, 0, 'x'});
    return Capture(EthernetFrame(IpDatagram(from.address, to.address, 17, payload), {vlan}), 1);
  };
  const auto flow = OnlyFlow({packet(kA, kB, 100), packet(kB, kA, 200)}, options);
  EXPECT_EQ(Numbers(flow.info.link.vlans), std::vector<uint16_t>{100});
  ASSERT_TRUE(flow.other_vlans.has_value());
  EXPECT_EQ(Numbers(flow.other_vlans->second), std::vector<uint16_t>{200});
}

}  // namespace
}  // namespace flowstitch
