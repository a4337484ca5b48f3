// Limits, time-outs, clocks and the end of the capture.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

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

}  // namespace
}  // namespace flowstitch
