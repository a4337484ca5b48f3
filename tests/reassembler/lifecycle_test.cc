// Limits, time-outs, clocks and the end of the capture.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <random>

#include "reassembler/reassembler_options.h"
#include "tests/support/flow_checks.h"

namespace flowstitch {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using namespace flowstitch::testing;

TEST(LifeCycle, Case57_TheStreamLimitTurnsTheHoleIntoAGap) {
  TcpLimits limits;
  limits.stream_waiting_bytes = 1000;
  Talk talk = Fresh().Handshake().FromClient(0, "a");
  for (int i = 0; i < 10; ++i) talk.FromClient(100 + i * 200, std::string(200, 'x'));
  const auto flow = OnlyFlow(talk.packets, limits);
  EXPECT_THAT(flow.streams[0].gaps, ElementsAre(RecordedGap{1, 99, GapReason::kStreamLimit}));
  EXPECT_EQ(flow.client().size(), 2100u);
}

TEST(LifeCycle, Case57b_TheLimitOfAllStreamsHolds) {
  TcpLimits limits;
  limits.all_waiting_bytes = 5000;
  std::vector<CapturedPacket> packets;
  for (uint16_t port = 1; port <= 20; ++port) {
    Talk talk(End("10.0.0.1", port), kB);
    talk.Handshake().FromClient(10, std::string(1000, 'x'));
    packets.insert(packets.end(), talk.packets.begin(), talk.packets.end());
  }
  const Outcome outcome = Reassemble(packets, limits);
  ExpectBalanced(outcome);
  int by_limit = 0;
  for (const auto& flow : outcome.events.flows) {
    for (const auto& gap : flow.streams[0].gaps) by_limit += gap.reason == GapReason::kMemoryLimit;
  }
  EXPECT_EQ(by_limit, 16);  // four fit
}

TEST(LifeCycle, IdleFlowsAreClosedByPacketTime) {
  TcpLimits limits;
  limits.idle_timeout_ns = 100 * kNsPerSecond;
  Talk quiet = Fresh().Handshake().Client("bye");
  Talk other(End("10.0.0.9", 9), kB);
  other.time_ns = quiet.time_ns + 200 * kNsPerSecond;
  other.Handshake().Client("x").Close();
  const Outcome outcome = Reassemble(Join(quiet, other), limits);
  ExpectBalanced(outcome);
  EXPECT_EQ(outcome.events.flows[0].close_reason, CloseReason::kIdle);
}

TEST(LifeCycle, Case76_OpenFlowsAreFlushedAtTheEnd) {
  const auto flow = OnlyFlow(Fresh().Handshake().Client("open").packets);
  EXPECT_EQ(flow.close_reason, CloseReason::kOpenAtEnd);
  EXPECT_EQ(flow.client(), "open");
}

TEST(LifeCycle, Case77_UnderPressureTheOneSilentLongestGoes) {
  TcpLimits limits;
  limits.flows = 3;
  std::vector<CapturedPacket> packets;
  TimeNs time = 0;
  for (uint16_t port = 1; port <= 5; ++port) {
    Talk talk(End("10.0.0.1", port), kB);
    talk.time_ns = time;
    talk.Handshake().Client("x");
    time = talk.time_ns + 10 * kNsPerSecond;
    packets.insert(packets.end(), talk.packets.begin(), talk.packets.end());
  }
  const Outcome outcome = Reassemble(packets, limits);
  ExpectBalanced(outcome);
  EXPECT_EQ(outcome.ledger.flows_evicted, 2u);
  EXPECT_EQ(outcome.events.flows[0].close_reason, CloseReason::kEvicted);
  EXPECT_EQ(outcome.events.flows[1].close_reason, CloseReason::kEvicted);
  EXPECT_EQ(outcome.events.flows[4].close_reason, CloseReason::kOpenAtEnd);
}

TEST(LifeCycle, Case79_HalfOpenFlowsNeverReachASinkAndExpire) {
  std::vector<CapturedPacket> packets;
  for (uint16_t port = 1; port <= 1000; ++port) {
    packets.push_back(Talk(End("10.0.0.1", port), kB).Handshake().packets[0]);
  }
  const Outcome outcome = Reassemble(packets);
  ExpectBalanced(outcome);
  EXPECT_THAT(outcome.events.flows, IsEmpty());
  EXPECT_EQ(outcome.ledger.half_open_flows, 1000u);
  EXPECT_EQ(outcome.ledger.half_open_expired, 1000u);
  // About 200 bytes each, with its place in the table (measured by tests/bench/flow_memory).
  EXPECT_LE(sizeof(HalfOpen), 120u);
}

TEST(LifeCycle, Case80_ClocksThatJumpLoseNothing) {
  for (const TimeNs start :
       {TimeNs{0}, TimeNs{4'102'444'800} * kNsPerSecond, kTimeMax - 10, TimeNs{-5}}) {
    auto packets = Fresh().Handshake().Client("abc").Client("def").Close().packets;
    for (size_t i = 0; i < packets.size(); ++i) {
      packets[i].time_ns = i % 2 == 0 ? start : start / 2;
    }
    EXPECT_EQ(OnlyFlow(packets).client(), "abcdef") << start;
  }
}

// One frame from the year 2061, and one from 1970, end nothing; when the whole capture has moved
// on, time-outs follow.
TEST(LifeCycle, Case80b_OneWrongStampEndsNoFlow) {
  for (const int64_t leap_ns :
       {int64_t{46} * 365 * 86400 * kNsPerSecond, -1'600'000'000 * kNsPerSecond}) {
    Talk talk = Fresh().Handshake().Client("before ").FromServer(0, "a").FromServer(4, "later");
    talk.packets[1].time_ns += leap_ns;
    talk.packets[4].time_ns += leap_ns;
    const auto flow = OnlyFlow(talk.Client("after").packets);
    EXPECT_EQ(flow.client(), "before after");
    EXPECT_THAT(flow.streams[1].gaps, ElementsAre(RecordedGap{1, 3, GapReason::kFlowEnded}));
  }
  Talk talk = Fresh().Handshake().Client("idle");
  Talk other(End("10.0.0.9", 9), kB);
  other.time_ns = talk.time_ns + 86400 * kNsPerSecond;
  other.Handshake().Client("x").Close();
  EXPECT_EQ(Checked(Join(talk, other)).events.flows[0].close_reason, CloseReason::kIdle);
}

TEST(LifeCycle, Case52_ClocksThatDisagreeChangeNoByte) {
  std::mt19937_64 random(52);
  for (int round = 0; round < 100; ++round) {
    Talk talk = Fresh().Handshake();
    for (int i = 0; i < 20; ++i) {
      talk.Client("c" + std::to_string(i)).Server("s" + std::to_string(i)).Wait(kNsPerSecond / 2);
    }
    auto packets = talk.Close().packets;
    const std::string client = OnlyFlow(packets).client();
    // Sensors seconds apart, and one whose clock jumps back.
    for (auto& packet : packets) {
      if (random() % 2 == 0) packet.time_ns -= 3 * kNsPerSecond;
      if (random() % 20 == 0) packet.time_ns -= 3600 * kNsPerSecond;
    }
    const auto flow = OnlyFlow(packets);
    EXPECT_EQ(flow.client(), client);
    EXPECT_EQ(flow.close_reason, CloseReason::kFinished);
    EXPECT_LE(flow.summaries[0].first_time_ns, flow.summaries[0].last_time_ns);
  }
}

TEST(LifeCycle, Case56_AFloodOfOneByteSegmentsIsBoundedInMemory) {
  // Every second byte, so that nothing joins: what each costs beyond its byte counts too.
  TcpLimits limits;
  limits.stream_waiting_bytes = 64 << 10;
  limits.conflict_window_bytes = 0;
  Talk talk = Fresh().Handshake();
  for (int i = 0; i < 5000; ++i) talk.FromClient(1 + i * 2, "x");
  EventRecorder events;
  ReassemblyOptions options;
  options.tcp = limits;
  Reassembler reassembler(options, &events);
  uint64_t most = 0;
  for (const auto& packet : talk.packets) {
    reassembler.OnFrame(packet.frame());
    most = std::max(most, reassembler.ledger().waiting_bytes);
  }
  EXPECT_LE(most * PendingBytes::kChunkOverhead, limits.stream_waiting_bytes);
  EXPECT_GT(most, 100u);
  reassembler.Finish();
  EXPECT_THAT(FindImbalance(reassembler.ledger()), IsEmpty());
}

// A limit that is not reached by this changes nothing; one that is shows in its counter, and in
// either case the books balance and every flow is closed.
TEST(LifeCycle, EverySimulatedLimitIsReachedAndCounted) {
  std::vector<CapturedPacket> packets;
  for (uint16_t port = 1; port <= 5; ++port) {
    Talk talk(End("10.0.0.1", port), kB);
    talk.Handshake().FromClient(0, "ab").FromClient(6, "gh").FromClient(0, "aX");
    talk.FromClient(900'000'000, "one").FromClient(900'000'003, "two");
    talk.FromClient(900'000'006, "three");
    packets = Join(packets, talk.packets);
    packets.push_back(Talk(End("10.0.0.2", port), kB).Handshake().packets[0]);
    packets = Join(packets, Talk(End("10.0.0.3", port), kB).Handshake().Close().packets);
    const Packet udp = Bytes({port >> 8, port & 255, 0, 53, 0, 9, 0, 0, 'u'});
    packets.push_back(
        Capture(EthernetFrame(IpDatagram(kA.address, kB.address, 17, udp)), talk.time_ns));
    packets.push_back(Capture(
        EthernetFrame(IpDatagram(kA.address, kB.address, 6, Packet(16, 1), port, 0x2000)), 1));
    packets.push_back(Capture(
        EthernetFrame(IpDatagram(kA.address, kB.address, 4,
                                 Datagram({End("10.0.0.4", port), kB, 1, 0, kTcpAck, "in"}))),
        talk.time_ns));
  }
  const auto run = [&](const std::string& name) {
    ReassemblyOptions options;
    options.decoder.udp = true;
    if (!name.empty()) {
      EXPECT_TRUE(ApplySimulation({name}, &options).ok()) << name;
    }
    return Checked(packets, options);
  };
  const Outcome plain = run("");
  const auto gaps = [](const Outcome& outcome, GapReason reason) {
    int count = 0;
    for (const auto& flow : outcome.events.flows) {
      for (const auto& gap : flow.streams[0].gaps) count += gap.reason == reason;
    }
    return count;
  };
  const ReassemblyLedger& p = plain.ledger;
  EXPECT_EQ(p.flows_evicted, 0u);
  EXPECT_EQ(p.split_flows, 5u);
  EXPECT_EQ(gaps(plain, GapReason::kStreamLimit) + gaps(plain, GapReason::kMemoryLimit), 0);
  EXPECT_EQ(p.conflicts, 5u);
  EXPECT_EQ(p.fragments_dropped, 0u);
  EXPECT_GT(run("flow-limit").ledger.flows_evicted, 0u);
  EXPECT_GT(run("half-open-limit").ledger.half_open_expired, 0u);
  EXPECT_EQ(run("tombstone-limit").ledger.tombstone_segments, 0u);
  EXPECT_GT(run("tombstone-limit").ledger.tombstones_evicted, 0u);
  EXPECT_EQ(run("sibling-limit").events.flows[0].close_reason, CloseReason::kReplaced);
  EXPECT_EQ(run("stray-limit").ledger.split_flows, 0u);
  EXPECT_GT(gaps(run("stream-memory"), GapReason::kStreamLimit), 0);
  EXPECT_GT(gaps(run("reassembly-memory"), GapReason::kMemoryLimit), 0);
  EXPECT_EQ(run("conflict-memory").ledger.conflicts, 0u);
  EXPECT_GT(run("fragment-memory").ledger.fragments_dropped, 0u);
  EXPECT_GT(run("fragment-limit").ledger.fragments_dropped, 0u);
  EXPECT_EQ(run("tunnel-depth").ledger.too_deep_datagrams, 5u);
  EXPECT_GT(run("udp-limit").ledger.flows_evicted, 0u);
  ReassemblyOptions options;
  EXPECT_FALSE(ApplySimulation({"no-such-limit"}, &options).ok());
}

}  // namespace
}  // namespace flowstitch
