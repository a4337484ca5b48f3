// Several sequence spaces between the same ends, and the same packets seen by several sensors.
#include <random>

#include "tests/support/flow_checks.h"

namespace flowstitch {
namespace {

using ::testing::IsEmpty;
using ::testing::UnorderedElementsAre;
using namespace flowstitch::testing;

std::vector<std::string> Texts(const Outcome& outcome) {
  std::vector<std::string> texts;
  for (const auto& flow : outcome.events.flows)
    texts.push_back(flow.client() + "|" + flow.server());
  return texts;
}

// Deals two packet lists into one at random; each stays in order.
std::vector<CapturedPacket> Mix(const std::vector<CapturedPacket>& a,
                                const std::vector<CapturedPacket>& b, uint64_t seed) {
  std::mt19937_64 random(seed);
  std::vector<CapturedPacket> all;
  size_t i = 0;
  size_t k = 0;
  while (i < a.size() || k < b.size()) {
    const bool from_a = k == b.size() || (i < a.size() && random() % 2 == 0);
    all.push_back(from_a ? a[i++] : b[k++]);
    all.back().time_ns = static_cast<TimeNs>(1'600'000'000 + all.size()) * kNsPerMs;
  }
  return all;
}

Talk Chat(uint32_t client_isn, uint32_t server_isn, const std::string& who) {
  Talk talk = Fresh(client_isn, server_isn).Handshake();
  for (int i = 0; i < 5; ++i) {
    talk.Client(who + std::to_string(i)).Server(who + "-answer" + std::to_string(i));
  }
  return talk;
}

std::string Said(const std::string& who) {
  std::string client;
  std::string server;
  for (int i = 0; i < 5; ++i) {
    client += who + std::to_string(i);
    server += who + "-answer" + std::to_string(i);
  }
  return client + "|" + server;
}

// Before and after a proxy: the same addresses and ports, two sequence spaces.
TEST(Siblings, Case51_TwoSequenceSpacesAtOnceAreTwoFlows) {
  for (uint64_t seed = 1; seed <= 300; ++seed) {
    SCOPED_TRACE(seed);
    const Talk inside = Chat(1000, 5000, "in").Close();
    const Talk outside = Chat(2'000'000'000, 3'000'000'000, "out").Close();
    const Outcome outcome = Checked(Mix(inside.packets, outside.packets, seed));
    ASSERT_THAT(Texts(outcome), UnorderedElementsAre(Said("in"), Said("out")));
    for (const auto& flow : outcome.events.flows) EXPECT_THAT(flow.streams[0].gaps, IsEmpty());
  }
}

TEST(Siblings, Case51b_AlsoWhenTheHandshakesWereNotSeen) {
  for (uint64_t seed = 1; seed <= 100; ++seed) {
    SCOPED_TRACE(seed);
    auto inside = Chat(1000, 5000, "in").packets;
    auto outside = Chat(2'000'000'000, 3'000'000'000, "out").packets;
    inside.erase(inside.begin(), inside.begin() + 3);
    outside.erase(outside.begin(), outside.begin() + 3);
    const Outcome outcome = Checked(Mix(inside, outside, seed));
    ASSERT_THAT(Texts(outcome), UnorderedElementsAre(Said("in"), Said("out")));
  }
}

TEST(Siblings, Case51c_WithFlowKeyAddressesTheNewerReplacesTheOlder) {
  TcpLimits limits;
  limits.split_spaces = false;
  const Outcome outcome =
      Checked(Join(Chat(1000, 5000, "old"), Chat(2'000'000'000, 3'000'000'000, "new")), limits);
  ASSERT_EQ(outcome.events.flows.size(), 2u);
  EXPECT_EQ(outcome.events.flows[0].close_reason, CloseReason::kReplaced);
  EXPECT_EQ(outcome.ledger.split_flows, 0u);
}

TEST(Siblings, TheirNumberIsBounded) {
  TcpLimits limits;
  limits.siblings = 3;
  std::vector<CapturedPacket> packets;
  for (uint32_t i = 0; i < 10; ++i) {
    packets = Join(packets, Chat(i * 400'000'000, i * 300'000'000 + 7, "n").packets);
  }
  for (size_t i = 0; i < packets.size(); ++i)
    packets[i].time_ns = static_cast<TimeNs>(i) * kNsPerMs;
  EventRecorder events;
  ReassemblyOptions options;
  options.tcp = limits;
  Reassembler reassembler(options, &events);
  for (const auto& packet : packets) {
    reassembler.OnFrame(packet.frame());
    ASSERT_LE(reassembler.tcp().open_flows(), 3u);
  }
  reassembler.Finish();
  EXPECT_EQ(events.flows.size(), 10u);
  for (const auto& flow : events.flows) EXPECT_EQ(flow.client(), "n0n1n2n3n4");
}

TEST(Siblings, AFewStraysThatDoNotFollowEachOtherSplitNothing) {
  Talk talk = Fresh().Handshake().Client("steady");
  for (uint32_t i = 1; i < 30; ++i) talk.FromClient(int64_t{i} * 90'000'000, "noise");
  talk.FromClient(500'000'000, "same")
      .FromClient(500'000'000, "same")
      .FromClient(500'000'000, "same");
  const Outcome outcome = Checked(talk.Client(" flow").Close().packets);
  ASSERT_EQ(outcome.events.flows.size(), 1u);
  EXPECT_EQ(outcome.events.flows[0].client(), "steady flow");
}

TEST(Siblings, StraysCountAgainstTheMemoryOfAllStreams) {
  ReassemblyOptions options;
  options.tcp.all_waiting_bytes = 50'000;
  std::vector<CapturedPacket> packets;
  for (uint16_t port = 1; port <= 200; ++port) {
    Talk talk(End("10.0.0.1", port), kB);
    talk.Handshake().Client("x").FromClient(900'000'000, std::string(1400, 's'));
    packets = Join(packets, talk.packets);
  }
  EventRecorder events;
  Reassembler reassembler(options, &events);
  for (const auto& packet : packets) {
    reassembler.OnFrame(packet.frame());
    ASSERT_LE(reassembler.ledger().waiting_bytes, 50'000u);
  }
  reassembler.Finish();
  EXPECT_THAT(FindImbalance(reassembler.ledger()), IsEmpty());
}

// One direction on each sensor: their packets arrive with clocks apart.
TEST(Siblings, Case49_TwoDirectionsOnTwoSensors) {
  for (const int64_t skew_ns : {0 * kNsPerMs, 3 * kNsPerMs, -3 * kNsPerMs}) {
    Talk talk = Chat(1000, 5000, "both").Close();
    for (auto& packet : talk.packets) {
      if (LoadBe16(packet.bytes.data() + 34) == kB.port) packet.time_ns += skew_ns;
    }
    std::stable_sort(talk.packets.begin(), talk.packets.end(),
                     [](const auto& a, const auto& b) { return a.time_ns < b.time_ns; });
    const auto flow = OnlyFlow(talk.packets);
    EXPECT_EQ(flow.client() + "|" + flow.server(), Said("both")) << skew_ns;
    EXPECT_EQ(flow.close_reason, CloseReason::kFinished) << skew_ns;
  }
}

// The second sensor's copy has another TTL, other MACs, a VLAN, a wrong checksum, another time.
TEST(Siblings, Case50_TheSamePacketsOnTwoSensorsAreOne) {
  std::mt19937_64 random(50);
  for (int round = 0; round < 100; ++round) {
    const Talk talk = Chat(1000, 5000, "once").Close();
    std::vector<CapturedPacket> copies;
    for (CapturedPacket packet : talk.packets) {
      Packet& b = packet.bytes;
      b[14 + 8] -= 1;
      b[0] ^= 0x10;
      StoreBe16(b.data() + 14 + 20 + 16, static_cast<uint16_t>(random()));
      b.insert(b.begin() + 12, {0x81, 0, 0, 42});
      packet.time_ns += static_cast<int64_t>(random() % 40) * kNsPerMs / 10;
      copies.push_back(packet);
    }
    auto all = Join(talk.packets, copies);
    std::stable_sort(all.begin(), all.end(),
                     [](const auto& a, const auto& b) { return a.time_ns < b.time_ns; });
    const auto flow = OnlyFlow(all);
    EXPECT_EQ(flow.client() + "|" + flow.server(), Said("once"));
    EXPECT_THAT(flow.conflicts, IsEmpty());
    EXPECT_EQ(flow.close_reason, CloseReason::kFinished);
  }
}

TEST(Siblings, FlowKeySourceAndVlanKeepApart) {
  const Talk talk = Chat(1000, 5000, "seen");
  Talk tagged = talk;
  for (auto& packet : tagged.packets) {
    packet.bytes.insert(packet.bytes.begin() + 12, {0x81, 0, 0, 42});
  }
  ReassemblyOptions by_vlan;
  by_vlan.decoder.key_parts.vlan = true;
  EXPECT_EQ(Checked(Mix(talk.packets, tagged.packets, 1)).events.flows.size(), 1u);
  EXPECT_EQ(Checked(Mix(talk.packets, tagged.packets, 1), by_vlan).events.flows.size(), 2u);
  ReassemblyOptions by_source;
  by_source.decoder.key_parts.source = true;
  EventRecorder events;
  Reassembler reassembler(by_source, &events);
  for (const auto& packet : talk.packets) {
    Frame frame = packet.frame();
    for (const uint32_t source : {0u, 1u}) {
      frame.source = source;
      reassembler.OnFrame(frame);
    }
  }
  reassembler.Finish();
  ASSERT_EQ(events.flows.size(), 2u);
  EXPECT_EQ(events.flows[0].client(), events.flows[1].client());
}

}  // namespace
}  // namespace flowstitch
