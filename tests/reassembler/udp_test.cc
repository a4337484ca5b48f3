// UDP conversations as flows.
#include "tests/support/flow_checks.h"

namespace flowstitch {
namespace {

using ::testing::ElementsAre;
using namespace flowstitch::testing;

CapturedPacket Datagram(const Endpoint& from, const Endpoint& to, const std::string& text,
                        TimeNs time_ns) {
  const auto length = static_cast<int>(text.size() + 8);
  Packet payload = Bytes({from.port >> 8, from.port & 255, to.port >> 8, to.port & 255, length >> 8,
                          length & 255, 0, 0});
  payload.insert(payload.end(), text.begin(), text.end());
  return Capture(EthernetFrame(IpDatagram(from.address, to.address, 17, payload)), time_ns);
}

ReassemblyOptions WithUdp() {
  ReassemblyOptions options;
  options.decoder.udp = true;
  return options;
}

TEST(UdpFlows, AStreamADirectionAndADatagramAnEvent) {
  const auto flow = OnlyFlow({Datagram(kB, kA, "one", 1), Datagram(kA, kB, "answer", 2),
                              Datagram(kB, kA, "", 3), Datagram(kB, kA, "two", 4)},
                             WithUdp());
  EXPECT_EQ(flow.info.protocol, 17);
  EXPECT_EQ(flow.info.client, kB) << "who spoke first";
  EXPECT_EQ(flow.client(), "onetwo");
  EXPECT_EQ(flow.server(), "answer");
  EXPECT_THAT(flow.streams[0].pieces, ElementsAre(3, 0, 3));
  EXPECT_EQ(flow.summaries[0].packets, 3u);
  EXPECT_EQ(flow.history, "Dd");
  EXPECT_EQ(flow.close_reason, CloseReason::kOpenAtEnd);
}

TEST(UdpFlows, WithoutTheFlagTheyAreNotTcp) {
  const Outcome outcome = Checked({Datagram(kA, kB, "x", 1)});
  EXPECT_TRUE(outcome.events.flows.empty());
  EXPECT_EQ(outcome.ledger.not_tcp_datagrams, 1u);
}

TEST(UdpFlows, TcpOfTheSameEndsIsAnotherFlow) {
  const auto packets =
      Join(Fresh().Handshake().Client("tcp").packets, {Datagram(kA, kB, "udp", 1)});
  const Outcome outcome = Checked(packets, WithUdp());
  ASSERT_EQ(outcome.events.flows.size(), 2u);
  EXPECT_EQ(outcome.events.flows[0].client(), "tcp");
  EXPECT_EQ(outcome.events.flows[1].client(), "udp");
}

TEST(UdpFlows, IdleOnesCloseAndTheirNumberIsBounded) {
  ReassemblyOptions options = WithUdp();
  options.udp.idle_timeout_ns = 10 * kNsPerSecond;
  const auto at = [](int seconds) { return (1'000'000 + seconds) * kNsPerSecond; };
  Outcome outcome = Checked(
      {Datagram(kA, kB, "a", at(0)), Datagram(kA, kB, "b", at(9)), Datagram(kA, kB, "c", at(20))},
      options);
  ASSERT_EQ(outcome.events.flows.size(), 2u);
  EXPECT_EQ(outcome.events.flows[0].client(), "ab");
  EXPECT_EQ(outcome.events.flows[0].close_reason, CloseReason::kIdle);
  options.udp.flows = 5;
  std::vector<CapturedPacket> scan;
  for (uint16_t port = 1; port <= 100; ++port) {
    scan.push_back(Datagram(End("10.0.0.1", port), kB, "?", at(0)));
  }
  outcome = Checked(scan, options);
  EXPECT_EQ(outcome.ledger.flows_evicted, 95u);
}

TEST(UdpFlows, TruncatedAndMalformedDatagrams) {
  CapturedPacket cut = Datagram(kA, kB, "0123456789", 1);
  CutOff(&cut.bytes, 4);
  CapturedPacket longer = Datagram(kA, kB, "abc", 2);
  longer.bytes[14 + 20 + 5] = 200;  // claims more than the IP datagram has
  CapturedPacket shorter = Datagram(kA, kB, "defgh", 3);
  shorter.bytes[14 + 20 + 5] = 10;
  CapturedPacket none = Datagram(kA, kB, "", 4);
  StoreBe16(none.bytes.data() + 16, 24);  // four bytes of a header
  const Outcome outcome = Checked({cut, longer, shorter, none}, WithUdp());
  ASSERT_EQ(outcome.events.flows.size(), 1u);
  EXPECT_EQ(outcome.events.flows[0].client(), std::string("012345\0\0\0\0abcde", 15));
  EXPECT_THAT(outcome.events.flows[0].streams[0].gaps,
              ElementsAre(RecordedGap{6, 4, GapReason::kTruncated}));
  EXPECT_EQ(outcome.ledger.malformed_frames, 1u);
}

TEST(UdpFlows, FragmentsAreOneDatagram) {
  const CapturedPacket whole = Datagram(kA, kB, std::string(100, 'u'), 1);
  const Packet payload(whole.bytes.begin() + 34, whole.bytes.end());
  const auto part = [&](size_t from, size_t to, int field) {
    return Capture(EthernetFrame(IpDatagram(kA.address, kB.address, 17,
                                            Packet(payload.begin() + static_cast<long>(from),
                                                   payload.begin() + static_cast<long>(to)),
                                            9, static_cast<uint16_t>(field))),
                   2);
  };
  const auto flow = OnlyFlow({part(56, 108, 7), part(0, 56, 0x2000)}, WithUdp());
  EXPECT_EQ(flow.client(), std::string(100, 'u'));
}

}  // namespace
}  // namespace flowstitch
