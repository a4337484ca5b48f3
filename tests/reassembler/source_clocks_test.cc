// The time of time-outs where sources lie about theirs, or disagree.
#include "reassembler/sources/source_clocks.h"

#include <gtest/gtest.h>

#include <iterator>
#include <random>
#include <vector>

#include "tests/support/event_recorder.h"
#include "tests/support/flow_checks.h"

namespace flowstitch {
namespace {

using namespace flowstitch::testing;

constexpr TimeNs kDayNs = 86'400 * kNsPerSecond;
constexpr TimeNs kYear2100 = 47'482 * kDayNs;

TEST(SourceClocks, HonestSourcesCountAsTheyAre) {
  SourceClocks clocks(kDayNs);
  std::mt19937_64 random(1);
  for (int64_t steady = 0; steady < 3'600 * kNsPerSecond; steady += kNsPerSecond / 3) {
    clocks.KeepPace(steady);
    // Up to 5 s late, as a reorder window may have it.
    const TimeNs stamp = kDayNs + steady - static_cast<int64_t>(random() % (5 * kNsPerSecond));
    EXPECT_EQ(clocks.TimeOf(static_cast<uint32_t>(random() % 9), stamp), stamp);
  }
}

TEST(SourceClocks, TimeThatNoFrameHasTakenIsCaughtUpWith) {
  SourceClocks clocks(kTimeMin);
  clocks.KeepPace(0);
  EXPECT_EQ(clocks.TimeOf(0, kDayNs), kDayNs);
  clocks.KeepPace(3'600 * kNsPerSecond);  // a quiet hour
  EXPECT_EQ(clocks.TimeOf(0, kDayNs + 3'600 * kNsPerSecond), kDayNs + 3'600 * kNsPerSecond);
}

// Whatever is said, the time goes on by as much as passes, and 2 s; and one source that is honest,
// whatever its date, makes it go on by as much as passes.
TEST(SourceClocks, NoSourceRunsAwayWithTheTimeOrStopsIt) {
  for (uint64_t seed = 1; seed <= 300; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    std::mt19937_64 random(seed);
    SourceClocks clocks(kTimeMin);
    const TimeNs honest_ns = static_cast<TimeNs>(random() % (2 * kYear2100)) - kYear2100;
    int64_t steady = static_cast<int64_t>(random() % kDayNs);
    const int64_t since = steady;
    TimeNs first_ns = 0;
    TimeNs latest_ns = kTimeMin;
    for (int i = 0; i < 500; ++i) {
      clocks.KeepPace(steady);
      const bool honest = i == 0 || random() % 2 == 0;
      const int64_t lie = static_cast<int64_t>(random()) >> (random() % 40);
      const TimeNs time_ns = honest ? clocks.TimeOf(3, honest_ns + steady)
                                    : clocks.TimeOf(static_cast<uint32_t>(random() % 3), lie);
      if (i == 0) first_ns = time_ns;
      latest_ns = std::max(latest_ns, time_ns);
      ASSERT_LE(latest_ns - first_ns, steady - since + kClockAheadNs);
      if (honest) {
        ASSERT_GE(latest_ns - first_ns, steady - since);
      }
      steady += static_cast<int64_t>(random() % (3 * kNsPerSecond));
    }
  }
}

// The one that came first, and with it its date, has gone.
TEST(SourceClocks, TheDateOfASourceThatHasGoneStopsNobody) {
  SourceClocks clocks(kTimeMin);
  clocks.KeepPace(0);
  const TimeNs first = clocks.TimeOf(0, kYear2100);
  TimeNs latest = first;
  for (int64_t second = 1; second <= 600; ++second) {
    clocks.KeepPace(second * kNsPerSecond);
    latest = clocks.TimeOf(1, kDayNs + second * kNsPerSecond);
  }
  EXPECT_GE(latest - first, 599 * kNsPerSecond);
  EXPECT_LE(latest - first, 602 * kNsPerSecond);
}

// Two sensors whose clocks are days apart, and a third one that says 2100: the flow that the first
// one sees is one flow, and ends when it has been silent by any clock that is right.
TEST(SourceClocks, AFlowOutlivesWhatOthersSayOfTheTime) {
  EventRecorder events;
  ReassemblyOptions options;
  options.tcp.idle_timeout_ns = 300 * kNsPerSecond;
  Reassembler reassembler(options, &events);
  reassembler.set_several_sources();
  Talk talk = Fresh();
  talk.Handshake().Client("hello, ").Client("world");
  const CapturedPacket noise =
      Capture(EthernetFrame(IpDatagram(kA.address, kB.address, 1, Packet(8))), 0);
  int64_t steady = 0;
  const auto see = [&](uint32_t source, const CapturedPacket& packet, TimeNs stamp) {
    reassembler.KeepPace(steady);
    Frame frame = packet.frame();
    frame.source = source;
    frame.time_ns = stamp;
    reassembler.OnFrame(frame);
  };
  for (size_t i = 0; i < talk.packets.size(); ++i) {
    steady += kNsPerSecond;
    see(0, talk.packets[i], kDayNs + steady);
    see(1, noise, 70 * kDayNs + steady);
    see(2, noise, kYear2100 + static_cast<TimeNs>(i) * kDayNs);
    see(2, noise, kYear2100 + static_cast<TimeNs>(i) * kDayNs);
  }
  ASSERT_EQ(events.flows.at(0).client(), "hello, world");
  EXPECT_EQ(events.flows.at(0).close_reason, std::nullopt);
  // 301 s later by the others' clocks.
  for (int i = 0; i < 2; ++i) {
    steady += 301 * kNsPerSecond;
    see(1, noise, 70 * kDayNs + steady);
    see(1, noise, 70 * kDayNs + steady);
  }
  EXPECT_EQ(events.flows.at(0).close_reason, CloseReason::kIdle);
  // What is told of it has the frames' own time.
  EXPECT_EQ(reassembler.stamp_ns(), kYear2100 + kDayNs * (std::ssize(talk.packets) - 1));
}

}  // namespace
}  // namespace flowstitch
