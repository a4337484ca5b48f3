// Sequence numbers, order, overlap and loss, packet by packet.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/flow_checks.h"

namespace flowstitch {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using namespace flowstitch::testing;

TEST(Streams, Case25_SequenceNumbersWrap) {
  const std::string data(5000, 'w');
  for (const uint32_t isn : {0xffffffffu, 0xfffffff0u, 0xffffff00u, 0u, 0x7fffffffu}) {
    const auto flow =
        OnlyFlow(Fresh(isn, isn).Handshake().Client(data, 700).Server(data, 300).Close().packets);
    EXPECT_EQ(flow.client(), data);
    EXPECT_EQ(flow.server(), data);
    EXPECT_EQ(flow.close_reason, CloseReason::kFinished);
  }
}

TEST(Streams, Case26_StreamsLongerThanFourGigabytesKeepTheirOffsets) {
  // Jumps of 15 MiB that the peer acknowledges, across several wraps of the sequence space.
  Talk talk = Fresh().Handshake();
  constexpr int64_t kJump = 15 << 20;
  int64_t at = 0;
  for (int i = 0; i < 400; ++i) {
    talk.FromClient(at, "mark").Wait(6 * kNsPerSecond).ServerAcknowledges(at + kJump);
    at += kJump;
  }
  uint64_t last = 0;
  class Offsets : public EventRecorder {
   public:
    explicit Offsets(uint64_t* out) : out_(out) {}
    void OnBytes(FlowId, StreamDirection, uint64_t offset, ByteView, TimeNs) override {
      *out_ = offset;
    }
    void OnGap(FlowId, StreamDirection, uint64_t, uint64_t, GapReason, TimeNs) override {}
    uint64_t* out_;
  } offsets(&last);
  Reassembler big({}, &offsets);
  for (const auto& packet : talk.packets) big.OnFrame(packet.frame());
  EXPECT_EQ(last, static_cast<uint64_t>(at - kJump));
  EXPECT_GT(last, uint64_t{5} << 30);
}

TEST(Streams, Case28_AWildJumpSplitsNothing) {
  const Outcome outcome = Reassemble(Fresh()
                                         .Handshake()
                                         .Client("one")
                                         .FromClient(1'000'000'000, "stray")
                                         .Client("two")
                                         .Close()
                                         .packets);
  ExpectBalanced(outcome);
  ASSERT_EQ(outcome.events.flows.size(), 1u);
  EXPECT_EQ(outcome.events.flows[0].client(), "onetwo");
  EXPECT_EQ(outcome.ledger.out_of_window_bytes, 5u);
}

TEST(Streams, Case34_ExactRepeatsAreCounted) {
  const Outcome outcome =
      Reassemble(Fresh().Handshake().FromClient(0, "same").FromClient(0, "same").packets);
  ExpectBalanced(outcome);
  EXPECT_EQ(outcome.ledger.retransmitted_bytes, 4u);
  EXPECT_EQ(outcome.events.flows[0].client(), "same");
}

TEST(Streams, Case35_OverlapsOfAllKindsFillWhatIsMissing) {
  const struct {
    std::vector<std::pair<int, const char*>> segments;
  } cases[] = {
      {{{0, "abc"}, {0, "abcdef"}, {6, "ghij"}}},
      {{{4, "efgh"}, {2, "cdef"}, {0, "abc"}, {8, "ij"}}},
      {{{4, "efgh"}, {6, "ghij"}, {0, "abcd"}}},
      {{{1, "b"}, {3, "d"}, {5, "f"}, {0, "abcdefghij"}}},
      {{{0, "abcdefghij"}, {3, "def"}}},
      {{{2, "cdefgh"}, {3, "de"}, {0, "ab"}, {8, "ij"}}},
  };
  for (const auto& c : cases) {
    Talk talk = Fresh().Handshake();
    for (const auto& [at, text] : c.segments) talk.FromClient(at, text);
    const auto flow = OnlyFlow(talk.packets);
    EXPECT_EQ(flow.client(), "abcdefghij");
    EXPECT_THAT(flow.conflicts, IsEmpty());
  }
}

TEST(Streams, Case40_OfConflictingBytesTheFirstStayAndAreReported) {
  const Outcome outcome = Reassemble(
      Fresh().Handshake().FromClient(3, "DEF").FromClient(2, "cXYf").FromClient(0, "ab").packets);
  ExpectBalanced(outcome);
  const RecordedFlow& flow = outcome.events.flows[0];
  EXPECT_EQ(flow.client(), "abcDEF");
  ASSERT_EQ(flow.conflicts.size(), 1u);
  EXPECT_EQ(flow.conflicts[0].offset, 3u);
  EXPECT_EQ(flow.conflicts[0].kept, "DEF");
  EXPECT_EQ(flow.conflicts[0].dropped, "XYf");
  EXPECT_EQ(outcome.ledger.conflicting_bytes, 3u);
}

TEST(Streams, Case42_AKeepAliveByteReplacesNothing) {
  const auto flow = OnlyFlow(
      Fresh().Handshake().FromClient(0, "abc").FromClient(2, "X").FromClient(3, "def").packets);
  EXPECT_EQ(flow.client(), "abcdef");
  EXPECT_THAT(flow.conflicts, IsEmpty());
}

TEST(Streams, Case44_AnAcknowledgedHoleIsHeldForTheGracePeriod) {
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

TEST(Streams, Case45_AHoleAtTheEndIsAGapWhenTheFlowEnds) {
  const auto flow = OnlyFlow(Fresh().Handshake().FromClient(0, "abc").FromClient(6, "ghi").packets);
  EXPECT_EQ(flow.client(), std::string("abc\0\0\0ghi", 9));
  EXPECT_THAT(flow.streams[0].gaps, ElementsAre(RecordedGap{3, 3, GapReason::kFlowEnded}));
  EXPECT_EQ(flow.close_reason, CloseReason::kOpenAtEnd);
}

TEST(Streams, Case47_WithoutAcknowledgementsTimeDecides) {
  TcpLimits limits;
  limits.unacknowledged_grace_ns = 10 * kNsPerSecond;
  Talk talk = Fresh().Handshake().FromClient(0, "abc").FromClient(6, "ghi");
  talk.Wait(11 * kNsPerSecond).FromClient(9, "jkl");
  const auto flow = OnlyFlow(talk.packets, limits);
  EXPECT_THAT(flow.streams[0].gaps, ElementsAre(RecordedGap{3, 3, GapReason::kNotAcknowledged}));
}

TEST(Streams, Case48_OneDirectionAloneIsDeliveredAtOnce) {
  Talk talk = Fresh().Handshake();
  talk.packets.resize(1);
  for (int i = 0; i < 100; ++i) talk.FromClient(i * 4, "tick");
  EventRecorder events;
  Reassembler reassembler({}, &events);
  for (const auto& packet : talk.packets) reassembler.OnFrame(packet.frame());
  ASSERT_EQ(events.flows.size(), 1u);
  EXPECT_EQ(events.flows[0].client().size(), 400u) << "before the end";
}

TEST(Streams, Case61_WhatTheSnapshotLengthCutIsATruncatedGap) {
  auto packets = Fresh().Handshake().Client("0123456789").Client("abc").Close().packets;
  packets[3].bytes.resize(packets[3].bytes.size() - 4);
  const auto flow = OnlyFlow(packets);
  EXPECT_EQ(flow.client(), std::string("012345\0\0\0\0abc", 13));
  EXPECT_THAT(flow.streams[0].gaps, ElementsAre(RecordedGap{6, 4, GapReason::kTruncated}));
  EXPECT_EQ(flow.close_reason, CloseReason::kFinished);
}

}  // namespace
}  // namespace flowstitch
