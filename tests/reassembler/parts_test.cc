// The defragmenter, the timer wheel, the Community ID.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <random>

#include "reassembler/flows/community_id.h"
#include "reassembler/flows/timer_wheel.h"
#include "reassembler/frames/defragmenter.h"
#include "tests/support/packet_builder.h"

namespace flowstitch {
namespace {

using namespace flowstitch::testing;

Packet RandomBytes(std::mt19937_64* random, size_t size) {
  Packet bytes(size);
  for (auto& byte : bytes) byte = static_cast<uint8_t>((*random)());
  return bytes;
}

IpHeader Fragment(const Packet& whole, size_t at, size_t size, uint32_t id) {
  IpHeader ip;
  ip.source = Address("10.0.0.1");
  ip.destination = Address("10.0.0.2");
  ip.protocol = 6;
  ip.fragment = true;
  ip.fragment_offset = static_cast<uint32_t>(at);
  ip.more_fragments = at + size < whole.size();
  ip.identification = id;
  ip.payload = ByteView(whole).subspan(at, size);
  return ip;
}

TEST(Defragmenter, RebuildsFromAnyOrderWithRepeatsAndOverlaps) {
  std::mt19937_64 random(3);
  for (uint32_t round = 0; round < 500; ++round) {
    Defragmenter defragmenter;
    ReassemblyLedger ledger;
    const Packet whole = RandomBytes(&random, 9 + random() % 5000);
    std::vector<std::pair<size_t, size_t>> parts;
    for (size_t at = 0; at < whole.size();) {
      const size_t size = std::min(whole.size() - at, 8 * (1 + random() % 90));
      parts.emplace_back(at, size);
      at += size;
    }
    if (parts.size() == 1) parts = {{0, 8}, {8, whole.size() - 8}};
    const size_t real = parts.size();
    for (size_t i = 0; i + 1 < real; ++i) {
      if (random() % 3 == 0) parts.emplace_back(parts[i].first, parts[i].second);
      if (random() % 3 == 0 && parts[i].second > 8)
        parts.emplace_back(parts[i].first + 8, parts[i].second - 8);
    }
    std::shuffle(parts.begin(), parts.end(), random);
    std::optional<IpHeader> done;
    for (const auto& [at, size] : parts) {
      done = defragmenter.Add(Fragment(whole, at, size, round), 0, 1, &ledger);
      if (done) break;
    }
    ASSERT_TRUE(done) << round;
    EXPECT_EQ(Packet(done->payload.begin(), done->payload.end()), whole);
    EXPECT_EQ(done->protocol, 6);
    EXPECT_EQ(defragmenter.datagrams(), 0u);
  }
}

TEST(Defragmenter, GivesUpByTimeAndByLimit) {
  FragmentLimits limits;
  limits.datagrams = 10;
  Defragmenter defragmenter(limits);
  ReassemblyLedger ledger;
  const Packet whole(100, 1);
  for (uint32_t id = 0; id < 25; ++id) defragmenter.Add(Fragment(whole, 0, 16, id), 0, 0, &ledger);
  EXPECT_EQ(defragmenter.datagrams(), 10u);
  EXPECT_EQ(ledger.fragments_dropped, 15u);
  EXPECT_EQ(ledger.fragments_absorbed, 25u);
  defragmenter.Add(Fragment(whole, 0, 16, 99), 0, 31 * kNsPerSecond, &ledger);
  EXPECT_EQ(defragmenter.datagrams(), 1u);
  EXPECT_EQ(ledger.fragments_dropped, 25u);
}

TEST(Defragmenter, ContradictionsAndImpossibleLengthsAreDropped) {
  Defragmenter defragmenter;
  ReassemblyLedger ledger;
  const Packet whole(64, 1);
  IpHeader beyond = Fragment(whole, 0, 64, 1);
  beyond.fragment_offset = 65528;
  EXPECT_FALSE(defragmenter.Add(beyond, 0, 0, &ledger));
  IpHeader ragged = Fragment(whole, 0, 7, 2);
  EXPECT_FALSE(defragmenter.Add(ragged, 0, 0, &ledger));
  EXPECT_EQ(ledger.fragments_dropped, 2u);
  // Two different ends: the first one counts.
  EXPECT_FALSE(defragmenter.Add(Fragment(whole, 56, 8, 3), 0, 0, &ledger));
  IpHeader other_end = Fragment(Packet(48, 1), 40, 8, 3);
  EXPECT_FALSE(defragmenter.Add(other_end, 0, 0, &ledger));
  EXPECT_EQ(ledger.fragments_dropped, 3u);
  EXPECT_TRUE(defragmenter.Add(Fragment(whole, 0, 56, 3), 0, 0, &ledger));
}

TEST(TimerWheel, RemindsInTimeAndOnce) {
  TimerWheel wheel;
  const TimeNs start = 1'000 * kNsPerSecond;
  wheel.Advance(start, [](const TimerWheel::Reminder&) { FAIL(); });
  std::mt19937_64 random(5);
  std::vector<TimeNs> when(300);
  for (uint32_t i = 0; i < when.size(); ++i) {
    when[i] = start + static_cast<int64_t>(random() % (100 * kNsPerSecond));
    wheel.Add(when[i], {i, 0, 0});
  }
  std::vector<int> reminded(when.size(), 0);
  for (TimeNs now = start; now < start + 102 * kNsPerSecond; now += 50 * kNsPerMs) {
    wheel.Advance(now, [&](const TimerWheel::Reminder& r) {
      ++reminded[r.index];
      EXPECT_GE(now + TimerWheel::kSlotNs, when[r.index]);
      EXPECT_LE(now - 2 * TimerWheel::kSlotNs, when[r.index]);
    });
  }
  EXPECT_THAT(reminded, ::testing::Each(1));
}

TEST(TimerWheel, ALeapGivesOutEverything) {
  TimerWheel wheel;
  wheel.Advance(0, [](const TimerWheel::Reminder&) {});
  for (uint32_t i = 0; i < 100; ++i) wheel.Add(i * kNsPerSecond, {i, 0, 0});
  int count = 0;
  wheel.Advance(kTimeMax / 2, [&](const TimerWheel::Reminder&) { ++count; });
  EXPECT_EQ(count, 100);
}

// The baseline of the specification: https://github.com/corelight/community-id-spec.
TEST(CommunityId, MatchesTheSpecification) {
  const auto key = MakeFlowKey(End("128.232.110.120", 34855), End("66.35.250.204", 80)).key;
  EXPECT_EQ(CommunityId(key, 6), "1:LQU9qZlK+B5F3KDmev6m5PMibrg=");
  EXPECT_EQ(CommunityId(key, 6, 1), "1:3V71V58M3Ksw/yuFALMcW0LAHvc=");
}

// Against values that tests/reassembler/community_ids.py computed from the specification's text,
// with Python's own SHA-1 and ordering.
TEST(CommunityId, MatchesAnIndependentComputation) {
#include "tests/reassembler/community_ids.inc"
}

}  // namespace
}  // namespace flowstitch
