// What critical readers and fuzzers found, and what must not come back.
#include "tests/support/flow_checks.h"

namespace flowstitch {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using namespace flowstitch::testing;

constexpr uint8_t kAck = kTcpAck;
const TimeNs kStart = 1'600'000'000 * kNsPerSecond;

CapturedPacket Udp(uint16_t port, TimeNs time_ns) {
  return Capture(EthernetFrame(IpDatagram(kA.address, kB.address, 17,
                                          Bytes({port >> 8, port & 255, 0, 53, 0, 9, 0, 0, 'x'}))),
                 time_ns);
}

// Others whose packets let time pass.
Talk Meanwhile(TimeNs from_ns, int64_t step_ns, size_t bytes) {
  Talk talk(End("10.0.0.9", 1), End("10.0.0.8", 2));
  talk.time_ns = from_ns;
  talk.step_ns = step_ns;
  return talk.Handshake().Client(std::string(bytes, 'z'), 1);
}

// The inner fragment's header lies in the rebuilt outer datagram, which the inner one replaces.
TEST(Regressions, ARebuiltDatagramsHeaderIsNotReadAgain) {
  const std::string data(3000, 'x');
  const Packet tcp = TcpBytes({kA, kB, 1000, 0, kAck, data});
  const size_t cut = tcp.size() / 8 * 8 - 8;
  const auto slice = [](const Packet& p, size_t from, size_t to) {
    return Packet(p.begin() + static_cast<long>(from), p.begin() + static_cast<long>(to));
  };
  const Packet one = IpDatagram(kA.address, kB.address, 6, slice(tcp, 0, cut), 7, 0x2000);
  const Packet two = IpDatagram(kA.address, kB.address, 6, slice(tcp, cut, tcp.size()), 7,
                                static_cast<uint16_t>(cut / 8));
  const IpAddress x = Address("1.1.1.1");
  const IpAddress y = Address("2.2.2.2");
  ReassemblyOptions options;
  options.decoder.checksum = ChecksumPolicy::kDrop;
  const auto flow = OnlyFlow(
      {Capture(EthernetFrame(IpDatagram(x, y, 4, one, 1)), kStart),
       Capture(EthernetFrame(IpDatagram(x, y, 4, slice(two, 0, 24), 2, 0x2000)), kStart),
       Capture(EthernetFrame(IpDatagram(x, y, 4, slice(two, 24, two.size()), 2, 3)), kStart)},
      options);
  EXPECT_EQ(flow.client(), data);
}

TEST(Regressions, RemindersDoNotPileUp) {
  EventRecorder events;
  Reassembler reassembler({}, &events);
  Talk talk = Fresh().Handshake();
  int64_t at = 0;
  for (int i = 0; i < 3000; ++i) {
    talk.FromClient(at + 1, "b").FromClient(at, "a");
    at += 2;
    talk.ServerAcknowledges(at).Wait(6 * kNsPerSecond);
    for (const auto& packet : talk.packets) reassembler.OnFrame(packet.frame());
    talk.packets.clear();
    ASSERT_LE(reassembler.tcp().reminders(), 40u) << i;
  }
}

TEST(Regressions, ABusyFlowIsNotTheFirstToBeEvictedAndAnEvictedOneMayGoOn) {
  TcpLimits limits;
  limits.flows = 2;
  Talk busy(End("10.0.0.1", 1001), kB);
  busy.step_ns = kNsPerSecond / 4;
  busy.Handshake();
  Talk silent(End("10.0.0.1", 1002), kB);
  silent.time_ns = busy.time_ns;
  silent.Handshake().Client("s");
  auto packets = Join(busy, silent);
  busy.packets.clear();
  busy.Client(std::string(100, 'x'), 1);
  packets = Join(packets, busy.packets);
  Talk third(End("10.0.0.1", 1003), kB);
  third.time_ns = busy.time_ns;
  packets = Join(packets, third.Handshake().Client("c").packets);
  silent.packets.clear();
  silent.time_ns = third.time_ns;
  packets = Join(packets, silent.Client("still there").packets);
  const Outcome outcome = Checked(packets, limits);
  ASSERT_EQ(outcome.events.flows.size(), 4u);
  EXPECT_EQ(outcome.events.flows[1].info.client.port, 1002);
  EXPECT_EQ(outcome.events.flows[1].close_reason, CloseReason::kEvicted);
  EXPECT_EQ(outcome.events.flows[3].info.client.port, 1002);
  EXPECT_EQ(outcome.events.flows[3].info.continues, outcome.events.flows[1].info.id);
  EXPECT_EQ(outcome.events.flows[3].client(), "still there");
}

TEST(Regressions, Case79b_SynsWithPayloadAreHalfOpenAndBounded) {
  ReassemblyOptions options;
  options.tcp.all_waiting_bytes = 10'000;
  EventRecorder events;
  Reassembler reassembler(options, &events);
  for (uint16_t port = 1; port <= 200; ++port) {
    Talk talk(End("10.0.0.1", port), kB);
    talk.ClientSegment(1000, 0, kTcpSyn, std::string(1000, 'p'));
    reassembler.OnFrame(talk.packets[0].frame());
    ASSERT_LE(reassembler.ledger().waiting_bytes, 10'000u);
  }
  EXPECT_EQ(reassembler.tcp().half_open_flows(), 200u);
  const auto later = Meanwhile(kStart + 600 * kNsPerSecond, kNsPerSecond, 3).packets;
  for (const auto& packet : later) reassembler.OnFrame(packet.frame());
  EXPECT_EQ(reassembler.tcp().half_open_flows(), 0u);
  // What waited is told of when its time is over, and the rest is not.
  const size_t told = 10'000 / (1000 + sizeof(SynPayload));
  EXPECT_EQ(reassembler.ledger().unconfirmed_bytes, 200'000u - told * 1000);
  reassembler.Finish();
  EXPECT_EQ(events.flows.size(), 1 + told);
  EXPECT_THAT(FindImbalance(reassembler.ledger()), IsEmpty());
}

TEST(Regressions, Case11b_DataOfASynThatNobodyAnsweredIsToldUnconfirmed) {
  Talk talk = Fresh().ClientSegment(1000, 0, kTcpSyn, "secret");
  const auto unanswered = OnlyFlow(talk.packets);
  EXPECT_EQ(unanswered.client(), "secret");
  EXPECT_TRUE(unanswered.info.unconfirmed);
  EXPECT_TRUE(unanswered.summaries[0].syn_seen);
  EXPECT_EQ(unanswered.close_reason, CloseReason::kOpenAtEnd);
  // Refused.
  talk.ServerSegment(0, 1007, kTcpRst | kAck);
  const Outcome outcome = Checked(talk.packets);
  EXPECT_THAT(outcome.events.flows, IsEmpty());
  EXPECT_EQ(outcome.ledger.unconfirmed_bytes, 6u);
  // Answered without it.
  Talk alone = Fresh().ClientSegment(1000, 0, kTcpSyn, "secret");
  alone.ServerSegment(5000, 1001, kTcpSyn | kAck);
  const auto answered = OnlyFlow(alone.packets);
  EXPECT_EQ(answered.client(), "");
  EXPECT_FALSE(answered.info.unconfirmed);
  // The client goes on behind it: it was taken, though the answer was not seen.
  Talk taken = Fresh().ClientSegment(1000, 0, kTcpSyn, "secret").ClientSegment(1007, 5001, kAck);
  EXPECT_EQ(OnlyFlow(taken.packets).client(), "secret");
  EXPECT_FALSE(OnlyFlow(taken.packets).info.unconfirmed);
}

TEST(Regressions, Case12b_DataOfASynAckWhoseClientWasNeverSeenToo) {
  Talk talk = Fresh().ServerSegment(5000, 1001, kTcpSyn | kAck, "banner");
  const auto flow = OnlyFlow(talk.packets);
  EXPECT_EQ(flow.server(), "banner");
  EXPECT_EQ(flow.info.client, kA);
  EXPECT_TRUE(flow.info.unconfirmed);
}

// Against scans: so many of one sender at a time, and in time again as many.
TEST(Regressions, Case11c_OfOneSenderSixtyFourAreToldAtATime) {
  EventRecorder events;
  Reassembler reassembler({}, &events);
  for (int round = 0; round < 2; ++round) {
    const TimeNs start = kStart + round * 1000 * kNsPerSecond;
    for (uint16_t port = 1; port <= 300; ++port) {
      Talk talk(End(port % 3 == 0 ? "10.0.0.9" : "10.0.0.1", port), kB);
      talk.time_ns = start;
      talk.ClientSegment(1000 + static_cast<uint32_t>(round) * 1'000'000, 0, kTcpSyn, "xy");
      reassembler.OnFrame(talk.packets[0].frame());
    }
    for (const auto& packet : Meanwhile(start + 600 * kNsPerSecond, kNsPerSecond, 3).packets) {
      reassembler.OnFrame(packet.frame());
    }
    const auto told = std::count_if(events.flows.begin(), events.flows.end(),
                                    [](const RecordedFlow& f) { return f.info.unconfirmed; });
    EXPECT_EQ(told, (round + 1) * 128);
  }
  EXPECT_EQ(reassembler.ledger().unconfirmed_bytes, 2u * 2 * (300 - 128));
  reassembler.Finish();
  EXPECT_THAT(FindImbalance(reassembler.ledger()), IsEmpty());
}

TEST(Regressions, Case19b_AResetBeyondTheAnnouncedWindowIsIgnored) {
  Talk talk = Fresh().Handshake().Client("abc").ClientSegment(1004 + 900'000, 5001, kTcpRst);
  talk.step_ns = kNsPerSecond;
  const Outcome outcome = Checked(talk.Client(std::string(200, 'd'), 10).packets);
  ASSERT_EQ(outcome.events.flows.size(), 1u);
  EXPECT_EQ(outcome.events.flows[0].client().size(), 203u);
  EXPECT_EQ(outcome.ledger.ignored_resets, 1u);
  // One in the window, forged: the sender goes on.
  Talk inside = Fresh().Handshake().Client("abc").ClientSegment(1004 + 9'000, 5001, kTcpRst);
  inside.ClientSegment(1004, 5001, kTcpRst).step_ns = kNsPerSecond;
  EXPECT_EQ(OnlyFlow(inside.Client(std::string(200, 'd'), 10).packets).client().size(), 203u);
}

TEST(Regressions, ASynAckWithoutItsSynKeepsTheRoles) {
  Talk old = Fresh().Handshake().Client("one").Server("two");
  Talk next = Fresh(900'000'000, 2'000'000'000).Handshake().Client("GET").Server("OK").Close();
  next.packets.erase(next.packets.begin());
  const Outcome outcome = Checked(Join(old, next));
  ASSERT_EQ(outcome.events.flows.size(), 2u);
  EXPECT_EQ(outcome.events.flows[1].info.client, kA);
  EXPECT_EQ(outcome.events.flows[1].client(), "GET");
  EXPECT_EQ(outcome.events.flows[1].server(), "OK");
}

TEST(Regressions, Case10b_OldDataBehindANewSynOpensNothing) {
  Talk old = Fresh().Handshake().Client("one").Server("two").Close();
  Talk next = Fresh(900'000'000, 2'000'000'000);
  next.time_ns = old.time_ns;
  next.Handshake().Client("GET").Server("OK").Close();
  auto packets = old.packets;
  packets.push_back(next.packets[0]);
  packets.push_back(Fresh().ServerSegment(5001, 1004, kAck, "two").packets[0]);
  packets.insert(packets.end(), next.packets.begin() + 1, next.packets.end());
  const Outcome outcome = Checked(packets);
  ASSERT_EQ(outcome.events.flows.size(), 2u);
  EXPECT_EQ(outcome.events.flows[1].client() + outcome.events.flows[1].server(), "GETOK");
  EXPECT_EQ(outcome.ledger.after_close_bytes, 3u);
}

TEST(Regressions, Case23b_AnUnansweredSynDoesNotEndAHalfClosedFlow) {
  Talk talk = Fresh().Handshake().Client("one").ClientSegment(1004, 5001, kTcpFin | kAck);
  talk.ServerSegment(5001, 1005, kAck, "aaa").ClientSegment(700'000'000, 0, kTcpSyn);
  talk.ServerSegment(5004, 1005, kAck, "bbb").ServerSegment(5007, 1005, kAck | kTcpFin, "ccc");
  const Outcome outcome = Checked(talk.packets);
  ASSERT_EQ(outcome.events.flows.size(), 1u);
  EXPECT_EQ(outcome.events.flows[0].server(), "aaabbbccc");
  EXPECT_EQ(outcome.ledger.ignored_syns, 1u);
}

TEST(Regressions, Case52b_ASensorHoursBehindLosesNoFlow) {
  const auto make = [](const char* address, const char* text) {
    Talk talk(End(address, 1), kB);
    talk.step_ns = 10 * kNsPerSecond;
    talk.Handshake();
    for (int i = 0; i < 30; ++i) talk.Client(text);
    return talk.Close().packets;
  };
  const auto right = make("10.0.0.1", "x");
  const auto behind = make("10.0.0.2", "y");
  std::vector<CapturedPacket> packets;
  for (size_t i = 0; i < right.size(); ++i) {
    packets.push_back(right[i]);
    packets.push_back(behind[i]);
    packets.back().time_ns -= 3 * 3600 * kNsPerSecond;
  }
  const Outcome outcome = Checked(packets);
  ASSERT_EQ(outcome.events.flows.size(), 2u);
  for (const auto& flow : outcome.events.flows) {
    EXPECT_EQ(flow.close_reason, CloseReason::kFinished);
    EXPECT_EQ(flow.client().size(), 30u);
  }
}

TEST(Regressions, AWrongStampKeepsNoUdpFlowAlive) {
  std::vector<CapturedPacket> packets = {Udp(1000, kStart),
                                         Udp(1001, kStart + 3'000'000 * kNsPerSecond),
                                         Udp(1002, kStart + kNsPerSecond)};
  for (int i = 1; i < 200; ++i) packets.push_back(Udp(2000, kStart + i * 30 * kNsPerSecond));
  ReassemblyOptions options;
  options.decoder.udp = true;
  const Outcome outcome = Checked(packets, options);
  ASSERT_EQ(outcome.events.flows.size(), 4u);
  for (size_t i = 0; i < 3; ++i) {
    EXPECT_EQ(outcome.events.flows[i].close_reason, CloseReason::kIdle) << i;
  }
}

TEST(Regressions, Case80d_AWrongFirstStampFreezesNothing) {
  Talk talk = Fresh().Handshake().FromClient(3, "def").ServerAcknowledges(6);
  auto packets = Join(talk, Meanwhile(talk.time_ns, kNsPerSecond, 100));
  packets[0].time_ns += int64_t{80} * 365 * 86400 * kNsPerSecond;
  const Outcome outcome = Checked(packets);
  EXPECT_THAT(outcome.events.flows[0].streams[0].gaps,
              ElementsAre(RecordedGap{0, 3, GapReason::kAcknowledged}));
}

TEST(Regressions, Case15b_ALostTailBeforeAFinBecomesAGapInTime) {
  Talk talk = Fresh().Handshake().Client("abc").ClientSegment(1014, 5001, kTcpFin | kAck);
  talk.ServerSegment(5001, 1015, kTcpFin | kAck).ClientSegment(1015, 5002, kAck);
  const Outcome outcome = Checked(Join(talk, Meanwhile(talk.time_ns, kNsPerSecond, 30)));
  const RecordedFlow& flow = outcome.events.flows[0];
  EXPECT_THAT(flow.streams[0].gaps, ElementsAre(RecordedGap{3, 10, GapReason::kAcknowledged}));
  EXPECT_EQ(flow.close_reason, CloseReason::kFinished);
}

TEST(Regressions, Case67b_ExtensionHeadersInsideFragmentsAreRead) {
  const Endpoint a = End("2001:db8::1", 40000);
  const Endpoint b = End("2001:db8::2", 80);
  const Packet whole =
      Bytes({6, 0, 1, 4, 0, 0, 0, 0}) + TcpBytes({a, b, 1, 0, kAck, "behind destination options"});
  const auto part = [&](size_t from, size_t to, int field) {
    const Packet bytes(whole.begin() + static_cast<long>(from),
                       whole.begin() + static_cast<long>(to));
    return Capture(EthernetFrame(IpDatagram(a.address, b.address, 44,
                                            Bytes({60, 0, 0, field, 0, 0, 0, 9}) + bytes)),
                   kStart);
  };
  EXPECT_EQ(OnlyFlow({part(0, 32, 1), part(32, whole.size(), 32)}).client(),
            "behind destination options");
}

TEST(Regressions, Case28b_ATruncatedJumboMovesNothingFar) {
  const Endpoint a = End("2001:db8::1", 40000);
  const Endpoint b = End("2001:db8::2", 80);
  const auto segment = [&](uint32_t sequence, const char* text, bool jumbo) {
    Packet payload = TcpBytes({a, b, sequence, 0, kAck, text});
    if (jumbo) payload = Bytes({6, 0, 0xc2, 4, 0xff, 0xff, 0xff, 0}) + payload;
    Packet datagram = IpDatagram(a.address, b.address, jumbo ? 0 : 6, payload);
    if (jumbo) datagram[4] = datagram[5] = 0;
    return Capture(EthernetFrame(datagram), kStart + sequence * kNsPerSecond);
  };
  const auto flow = OnlyFlow({segment(1000, "abc", false), segment(1003, "def", false),
                              segment(1003, "def", true), segment(1006, "ghi", false)});
  EXPECT_EQ(flow.client().substr(0, 6), "abcdef");
  EXPECT_LE(flow.summaries[0].bytes, uint64_t{17} << 20);
}

TEST(Regressions, Case03b_AFinFirstLeavesRoomForWhatLiesBefore) {
  Talk talk = Fresh().ClientSegment(1001, 5001, kAck, "GET");
  talk.ServerSegment(5006, 1004, kTcpFin | kAck).ServerSegment(5001, 1004, kAck, "HELLO");
  EXPECT_EQ(OnlyFlow(talk.packets).server(), "HELLO");
}

TEST(Regressions, Case28c_AWildAcknowledgementOrFinMakesNoGap) {
  Talk talk = Fresh().Handshake().Client("abc").ServerSegment(5001, 50'001'004, kAck);
  EXPECT_THAT(OnlyFlow(talk.Client("def").packets).streams[0].gaps, IsEmpty());
  Talk fin = Fresh().Handshake().Client("abc").ClientSegment(10'001'004, 5001, kTcpFin | kAck);
  const auto flow = OnlyFlow(fin.Client("def").Close().packets);
  EXPECT_THAT(flow.streams[0].gaps, IsEmpty());
  EXPECT_EQ(flow.close_reason, CloseReason::kFinished);
}

TEST(Regressions, Case43b_AFinBehindAProbeShowsThatItWasSent) {
  Talk talk = Fresh().Handshake().Client("abc").Window(0).ServerAcknowledges(3).Window(9);
  talk.FromClient(3, "d").FromClient(4, "", kTcpFin | kAck);
  EXPECT_EQ(OnlyFlow(talk.packets).client(), "abcd");
}

// The bytes that waited when the flow was given up were not delivered: it goes on before them.
TEST(Regressions, Case24b_AFlowEvictedWithBytesWaitingGoesOnWhereItsFileEnded) {
  TcpLimits limits;
  limits.flows = 1;
  Talk talk = Fresh().Handshake().FromClient(0, "abc").FromClient(6, "ghi");
  Talk other(End("10.0.0.9", 1), kB);
  other.time_ns = talk.time_ns + kNsPerSecond;
  other.Handshake().Client("x");
  Talk again = Fresh();
  again.time_ns = other.time_ns + kNsPerSecond;
  again.FromClient(3, "def").FromClient(6, "ghi").FromClient(9, "jkl");
  const Outcome outcome = Checked(Join(Join(talk.packets, other.packets), again.packets), limits);
  ASSERT_EQ(outcome.events.flows.size(), 3u);
  EXPECT_EQ(outcome.events.flows[0].client(), "abc");
  const RecordedFlow& next = outcome.events.flows[2];
  EXPECT_EQ(next.info.start_offset[0], 3u);
  EXPECT_EQ(next.client(), "defghijkl");
  EXPECT_EQ(outcome.ledger.evicted_bytes, 3u);
}

// Two attempts with payload on one pair of ports: each payload belongs to its own number.
TEST(Regressions, Case22b_ASynsPayloadCountsForItsOwnNumber) {
  const auto attempts = [](uint32_t answered) {
    Talk talk =
        Fresh(1000).ClientSegment(1000, 0, kTcpSyn, "old").ClientSegment(9000, 0, kTcpSyn, "young");
    const uint32_t bytes = answered == 1000 ? 3 : 5;
    talk.ServerSegment(5000, answered + 1 + bytes, kTcpSyn | kAck);
    talk.ClientSegment(answered + 1 + bytes, 5001, kAck, "!");
    return Checked(talk.packets);
  };
  const Outcome young = attempts(9000);
  EXPECT_EQ(young.events.flows[0].client(), "young!");
  EXPECT_EQ(young.ledger.unconfirmed_bytes, 3u);
  // The older one was not kept: its bytes are a gap, not the younger one's.
  const Outcome old = attempts(1000);
  EXPECT_EQ(old.events.flows.size(), 1u);
  EXPECT_EQ(old.events.flows[0].client().find("young"), std::string::npos);
}

}  // namespace
}  // namespace flowstitch
