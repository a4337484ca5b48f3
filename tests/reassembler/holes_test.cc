// Bytes that no sensor saw: what makes a hole a gap, and when; packet by packet.
#include "tests/support/flow_checks.h"

namespace flowstitch {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using namespace flowstitch::testing;

TEST(Holes, Case44_AnAcknowledgedHoleIsHeldForTheGracePeriod) {
  TcpLimits limits;
  limits.acknowledged_grace_ns = 2 * kNsPerSecond;
  Talk talk = Fresh().Handshake().FromClient(0, "abc").FromClient(6, "ghi").ServerAcknowledges(9);
  Talk filled = talk;
  filled.Wait(kNsPerSecond).FromClient(3, "def").FromClient(9, "j");
  auto flow = OnlyFlow(filled.packets, limits);
  EXPECT_EQ(flow.client(), "abcdefghij");
  EXPECT_THAT(flow.streams[0].gaps, IsEmpty());

  Talk late = talk;
  late.Wait(3 * kNsPerSecond).FromClient(9, "j").FromClient(3, "def");
  const Outcome outcome = Reassemble(late.packets, limits);
  ExpectBalanced(outcome);
  EXPECT_EQ(outcome.events.flows[0].client(), std::string("abc\0\0\0ghij", 10));
  EXPECT_THAT(outcome.events.flows[0].streams[0].gaps,
              ElementsAre(RecordedGap{3, 3, GapReason::kAcknowledged}));
}

TEST(Holes, Case45_AHoleAtTheEndIsAGapWhenTheFlowEnds) {
  const auto flow = OnlyFlow(Fresh().Handshake().FromClient(0, "abc").FromClient(6, "ghi").packets);
  EXPECT_EQ(flow.client(), std::string("abc\0\0\0ghi", 9));
  EXPECT_THAT(flow.streams[0].gaps, ElementsAre(RecordedGap{3, 3, GapReason::kFlowEnded}));
  EXPECT_EQ(flow.close_reason, CloseReason::kOpenAtEnd);
}

TEST(Holes, Case47_WithoutAcknowledgementsTimeDecides) {
  TcpLimits limits;
  limits.unacknowledged_grace_ns = 10 * kNsPerSecond;
  Talk talk = Fresh().Handshake().FromClient(0, "abc").FromClient(6, "ghi");
  talk.Wait(11 * kNsPerSecond).FromClient(9, "jkl");
  const auto flow = OnlyFlow(talk.packets, limits);
  EXPECT_THAT(flow.streams[0].gaps, ElementsAre(RecordedGap{3, 3, GapReason::kNotAcknowledged}));
}

TEST(Holes, Case48_OneDirectionAloneIsDeliveredAtOnce) {
  Talk talk = Fresh().Handshake();
  talk.packets.resize(1);
  for (int i = 0; i < 100; ++i) talk.FromClient(i * 4, "tick");
  EventRecorder events;
  Reassembler reassembler({}, &events);
  for (const auto& packet : talk.packets) reassembler.OnFrame(packet.frame());
  ASSERT_EQ(events.flows.size(), 1u);
  EXPECT_EQ(events.flows[0].client().size(), 400u) << "before the end";
}

TEST(Holes, Case29_AHugeAcknowledgedHoleIsOneGap) {
  constexpr int64_t kHole = 60 << 20;
  Talk talk = Fresh().Handshake().FromClient(0, "a").ServerAcknowledges(kHole);
  talk.FromClient(kHole, "z").Wait(6 * kNsPerSecond).FromClient(kHole + 1, "!");
  const auto flow = OnlyFlow(talk.packets);
  EXPECT_THAT(flow.streams[0].gaps,
              ElementsAre(RecordedGap{1, kHole - 1, GapReason::kAcknowledged}));
  EXPECT_EQ(flow.summaries[0].bytes, static_cast<uint64_t>(kHole) + 2);
  EXPECT_EQ(flow.client().substr(kHole), "z!");
}

// The bytes of a closed window's probe count when they are acknowledged.
TEST(Holes, Case43_AZeroWindowProbeIsDeliveredOnlyIfAcknowledged) {
  Talk talk = Fresh().Handshake().Client("full");
  talk.Window(0).ServerAcknowledges(4).Window(100).FromClient(4, "?");
  Talk taken = talk;
  taken.ServerAcknowledges(5).FromClient(5, "more");
  EXPECT_EQ(OnlyFlow(taken.packets).client(), "full?more");
  Talk refused = talk;
  refused.Window(0).ServerAcknowledges(4).Window(100).FromClient(4, "?");
  refused.Wait(kNsPerSecond).ServerAcknowledges(4).FromClient(4, "real data");
  const Outcome outcome = Checked(refused.packets);
  EXPECT_EQ(outcome.events.flows[0].client(), "fullreal data");
  EXPECT_THAT(outcome.events.flows[0].conflicts, IsEmpty());
  EXPECT_EQ(outcome.ledger.unconfirmed_bytes, 1u);
  EXPECT_EQ(Checked(talk.packets).events.flows[0].client(), "full") << "never answered";
  // Data right behind it: it was sent for good.
  EXPECT_EQ(OnlyFlow(Talk(talk).FromClient(5, "more").packets).client(), "full?more");
}

TEST(Holes, Case44b_WhatComesAfterItsGapIsLate) {
  TcpLimits limits;
  limits.acknowledged_grace_ns = 2 * kNsPerSecond;
  Talk talk = Fresh().Handshake().FromClient(0, "abc").FromClient(6, "ghi").ServerAcknowledges(9);
  talk.Wait(3 * kNsPerSecond).FromClient(9, "j").FromClient(2, "cdefg");
  const Outcome outcome = Checked(talk.packets, limits);
  EXPECT_EQ(outcome.events.flows[0].client(), std::string("abc\0\0\0ghij", 10));
  EXPECT_EQ(outcome.ledger.late_bytes, 3u);
  EXPECT_EQ(outcome.ledger.retransmitted_bytes, 2u);
  EXPECT_EQ(outcome.events.flows[0].summaries[0].late_bytes, 3u);
}

TEST(Holes, Case46_LossAtTheStartTheMiddleTheEndAndManyHoles) {
  Talk talk = Fresh().Handshake();
  std::vector<RecordedGap> wanted;
  for (int i = 0; i < 300; ++i) {
    if (i % 3 == 0) {
      wanted.push_back({static_cast<uint64_t>(i) * 10, 10, GapReason::kFlowEnded});
    } else {
      talk.FromClient(i * 10, "0123456789");
    }
  }
  talk.FromClient(3010, "", kTcpAck | kTcpFin);
  wanted.push_back({3000, 10, GapReason::kFlowEnded});
  const auto flow = OnlyFlow(talk.packets);
  EXPECT_EQ(flow.streams[0].gaps, wanted);
  EXPECT_EQ(flow.summaries[0].gap_bytes, 1010u);
}

TEST(Holes, Case53_SackTellsWhatNoSensorSaw) {
  // The client's 10 to 20 is missing here; the server says that it has 10 to 30, and lacks 5 to 10
  // itself.
  Talk talk = Fresh().Handshake().FromClient(0, "0123456789").FromClient(20, "0123456789");
  const auto sack = [](uint32_t left, uint32_t right) {
    Packet p = Bytes({1, 1, 5, 10, 0, 0, 0, 0, 0, 0, 0, 0});
    StoreBe32(p.data() + 4, left);
    StoreBe32(p.data() + 8, right);
    return p;
  };
  talk.With(sack(1011, 1031)).ServerAcknowledges(5).With({});
  talk.Wait(6 * kNsPerSecond).FromClient(30, "x");
  EXPECT_THAT(OnlyFlow(talk.packets).streams[0].gaps,
              ElementsAre(RecordedGap{10, 10, GapReason::kAcknowledged}));
  // A block that says nothing about the hole does not settle it.
  Talk other = Fresh().Handshake().FromClient(0, "0123456789").FromClient(20, "0123456789");
  other.With(sack(1021, 1031)).ServerAcknowledges(5).With({});
  other.Wait(6 * kNsPerSecond).FromClient(30, "x");
  EXPECT_THAT(OnlyFlow(other.packets).streams[0].gaps,
              ElementsAre(RecordedGap{10, 10, GapReason::kFlowEnded}));
  // What was selectively acknowledged at the end and never seen is missing there.
  Talk end = Fresh().Handshake().FromClient(0, "0123456789");
  end.With(sack(1021, 1031)).ServerAcknowledges(10);
  EXPECT_THAT(OnlyFlow(end.packets).streams[0].gaps,
              ElementsAre(RecordedGap{10, 20, GapReason::kFlowEnded}));
  // Unless the window that the server offers does not reach so far.
  Talk wild = Fresh().Handshake().FromClient(0, "0123456789").ServerAcknowledges(10);
  wild.With(sack(1'001'011, 2'001'011)).ServerAcknowledges(10);
  EXPECT_THAT(OnlyFlow(wild.packets).streams[0].gaps, IsEmpty());
}

}  // namespace
}  // namespace flowstitch
