// One order out of several sources, whatever their batches and the scheduling.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <random>

#include "tests/support/event_recorder.h"
#include "tests/support/merge_rig.h"
#include "tests/support/traffic.h"

namespace flowstitch {
namespace {

using namespace flowstitch::testing;

std::vector<CapturedPacket> Traffic(uint64_t seed) {
  TrafficOptions options;
  options.seed = seed;
  options.flows = 6;
  options.bytes_per_flow = 20'000;
  options.disorder = 0.1;
  options.loss = seed % 2 == 0 ? 0 : 0.05;
  std::vector<CapturedPacket> packets;
  MakeTraffic(options, [&](const CapturedPacket& packet) { packets.push_back(packet); });
  return packets;
}

TEST(SourceMerger, AnyDealingOutGivesTheSameStreams) {
  for (uint64_t seed = 1; seed <= 200; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    const auto packets = Traffic(seed);
    const Outcome wanted = Reassemble(packets);
    const size_t sources = 1 + seed % 4;
    MergeRig rig(seed, sources);
    for (const auto& packet : packets) rig.Add(rig.random() % sources, packet);
    Outcome got;
    Reassembler reassembler({}, &got.events);
    TimeNs last = 0;
    size_t count = 0;
    rig.Run([&](const Frame& frame) {
      EXPECT_GE(frame.time_ns, last);
      last = frame.time_ns;
      ++count;
      reassembler.OnFrame(frame);
    });
    reassembler.Finish();
    ASSERT_EQ(count, packets.size());
    ASSERT_EQ(got.events.flows.size(), wanted.events.flows.size());
    for (size_t i = 0; i < got.events.flows.size(); ++i) {
      for (int d : {0, 1}) {
        ASSERT_EQ(got.events.flows[i].streams[d].bytes, wanted.events.flows[i].streams[d].bytes);
        ASSERT_EQ(got.events.flows[i].streams[d].gaps, wanted.events.flows[i].streams[d].gaps);
      }
    }
    EXPECT_THAT(FindImbalance(reassembler.ledger()), ::testing::IsEmpty());
  }
}

TEST(SourceMerger, NothingNewerThanTheLowestWatermarkIsTaken) {
  MergeRig rig(1, 2);
  const CapturedPacket early = Capture(Packet(10, 1), 100);
  const CapturedPacket late = Capture(Packet(10, 2), 200);
  rig.Add(0, late);
  rig.Add(0, late);  // the clock of a single frame is not believed before another confirms it
  rig.Flush(0);
  Frame frame;
  ASSERT_TRUE(rig.merger.AddBatch(0, rig.batches[0][0]));
  EXPECT_FALSE(rig.merger.Next(&frame, {})) << "source 1 may still bring something older";
  rig.Add(1, early);
  rig.Flush(1);
  ASSERT_TRUE(rig.merger.AddBatch(1, rig.batches[1][0]));
  ASSERT_TRUE(rig.merger.Next(&frame, {}));
  EXPECT_EQ(frame.time_ns, 100);
  EXPECT_FALSE(rig.merger.Next(&frame, {}));
  rig.merger.SetWatermark(1, 201);
  ASSERT_TRUE(rig.merger.Next(&frame, {}));
  EXPECT_EQ(frame.time_ns, 200);
}

TEST(SourceMerger, ALiveSourceThatLagsNoLongerHoldsTheOthersUp) {
  SourceMerger merger(500 * kNsPerMs);
  merger.AddSource("a", true);
  merger.AddSource("b", true);
  merger.AddSource("quiet", true);  // brings nothing, and holds nobody up
  Batcher live("b", 1, true);
  live.Add(Capture(Packet(4, 1), kNsPerSecond).frame(), 0);
  ASSERT_TRUE(merger.AddBatch(1, Deliver(live.Flush(1, nullptr))));
  Batcher other("a", 2, true);
  other.Add(Capture(Packet(4, 2), kNsPerSecond + 400 * kNsPerMs).frame(), 0);
  ASSERT_TRUE(merger.AddBatch(0, Deliver(other.Flush(1, nullptr))));
  Frame frame;
  ASSERT_TRUE(merger.Next(&frame, {}));
  EXPECT_FALSE(merger.Next(&frame, {})) << "within the window";
  merger.SetWatermark(0, kNsPerSecond + 600 * kNsPerMs);
  ASSERT_TRUE(merger.Next(&frame, {})) << "beyond it";
  live.Add(Capture(Packet(4, 3), kNsPerSecond + 1).frame(), 0);
  ASSERT_TRUE(merger.AddBatch(1, Deliver(live.Flush(2, nullptr))));
  ASSERT_TRUE(merger.Next(&frame, {}));
  EXPECT_EQ(merger.ledger(1).late_frames, 1u);
}

// Where an interface is, a file is not waited for either: its capture may be gone.
TEST(SourceMerger, AFileThatBringsNothingDoesNotStopALiveSource) {
  for (const bool live : {true, false}) {
    SourceMerger merger(500 * kNsPerMs);
    merger.AddSource("vanished", false);
    merger.AddSource("b", live);
    Batcher batcher("b", 1, live);
    for (int i = 0; i < 3; ++i) {
      batcher.Add(Capture(Packet(4, 1), kNsPerSecond * (i + 1)).frame(), 0);
    }
    ASSERT_TRUE(merger.AddBatch(1, Deliver(batcher.Flush(1, nullptr))));
    Frame frame;
    EXPECT_EQ(merger.Next(&frame, {}), live);
  }
}

// A clock that says 2100 moves nobody's time further than to the latest that may be.
TEST(SourceMerger, ALyingClockIsTakenAsOfTheLatestTime) {
  constexpr TimeNs kNow = 100 * kNsPerSecond;
  SourceMerger merger(500 * kNsPerMs);
  merger.AddSource("honest", true);
  merger.AddSource("liar", true);
  Batcher liar("liar", 1, true);
  liar.Add(Capture(Packet(4, 1), kNow * 1000).frame(), 0);
  liar.Add(Capture(Packet(4, 2), kNow - 1).frame(), 0);
  ASSERT_TRUE(merger.AddBatch(1, Deliver(liar.Flush(1, nullptr)), kNow));
  Batcher honest("honest", 2, true);
  honest.Add(Capture(Packet(4, 3), kNow + 1).frame(), 0);
  ASSERT_TRUE(merger.AddBatch(0, Deliver(honest.Flush(1, nullptr)), kNow + 1));
  Frame frame;
  ASSERT_TRUE(merger.Next(&frame, {}));
  EXPECT_EQ(frame.source, 1u);
  EXPECT_EQ(frame.time_ns, kNow);
  ASSERT_TRUE(merger.Next(&frame, {}));
  EXPECT_EQ(frame.time_ns, kNow - 1) << "what may be is left as it is";
  merger.EndSource(1, true);
  ASSERT_TRUE(merger.Next(&frame, {}));
  EXPECT_EQ(frame.time_ns, kNow + 1);
  EXPECT_EQ(merger.ledger(1).ahead_frames, 1u);
  EXPECT_EQ(merger.ledger(0).ahead_frames, 0u);
  EXPECT_EQ(merger.ledger(0).late_frames, 0u) << "the honest one is not late for the other's lie";
}

TEST(SourceMerger, BatchesThatContradictThemselvesAreRefused) {
  SourceMerger merger(0);
  merger.AddSource("a", false);
  wire::PacketBatch batch;
  batch.add_capture_time_ns(1);
  batch.add_captured_length(10);
  const auto refused = [&](const wire::PacketBatch& b) {
    wire::LinkMessage message;
    *message.mutable_packets() = b;
    const std::string bytes = message.SerializeAsString();
    return !merger.AddBatch(0, Deliver(bytes));
  };
  batch.set_frames("0123456789");
  EXPECT_TRUE(refused(batch)) << "no wire lengths";
  batch.add_wire_length(10);
  EXPECT_FALSE(refused(batch));
  batch.set_frames("012345678");
  EXPECT_TRUE(refused(batch)) << "fewer bytes than the lengths say";
  batch.set_captured_length(0, 0xffffffff);
  EXPECT_TRUE(refused(batch));
  EXPECT_TRUE(refused({})) << "empty";
}

TEST(SourceMerger, FramesMayHaveOtherBytesBetweenThem) {
  const auto added = [](SourceMerger& merger, std::vector<uint32_t> offsets,
                        std::vector<uint32_t> lengths) {
    wire::LinkMessage message;
    wire::PacketBatch& batch = *message.mutable_packets();
    for (const uint32_t offset : offsets) batch.add_frame_offset(offset);
    for (const uint32_t length : lengths) {
      batch.add_captured_length(length);
      batch.add_wire_length(length);
      batch.add_capture_time_ns(1);
    }
    batch.set_frames("..abc.defg.");
    const std::string bytes = message.SerializeAsString();
    return merger.AddBatch(0, Deliver(bytes));
  };
  SourceMerger merger(0);
  merger.AddSource("a", false);
  EXPECT_FALSE(added(merger, {2, 6}, {3, 6})) << "beyond the end";
  EXPECT_FALSE(added(merger, {2, 4}, {3, 4})) << "one over the other";
  EXPECT_FALSE(added(merger, {6, 2}, {4, 3})) << "backwards";
  EXPECT_FALSE(added(merger, {2}, {3, 4})) << "one offset, two frames";
  EXPECT_FALSE(added(merger, {2, 0xffffffff}, {3, 4}));
  ASSERT_TRUE(added(merger, {2, 6}, {3, 4}));
  merger.EndSource(0, true);
  Frame frame;
  ASSERT_TRUE(merger.Next(&frame, {}));
  EXPECT_EQ(AsText(frame.bytes), "abc");
  ASSERT_TRUE(merger.Next(&frame, {}));
  EXPECT_EQ(AsText(frame.bytes), "defg");
  EXPECT_FALSE(merger.Next(&frame, {}));
}

}  // namespace
}  // namespace flowstitch
