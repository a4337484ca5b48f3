// Behaviours of connections and streams, packet by packet.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/conversation.h"
#include "tests/support/event_recorder.h"

namespace flowstitch {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using namespace flowstitch::testing;

const Endpoint kA = End("10.0.0.1", 40000);
const Endpoint kB = End("10.0.0.2", 80);

Talk Fresh(uint32_t client_isn = 1000, uint32_t server_isn = 5000) {
  return Talk(kA, kB, client_isn, server_isn);
}

std::vector<CapturedPacket> Join(const Talk& a, const Talk& b) {
  auto all = a.packets;
  all.insert(all.end(), b.packets.begin(), b.packets.end());
  return all;
}

void ExpectBalanced(const Outcome& outcome) {
  EXPECT_THAT(FindImbalance(outcome.ledger), IsEmpty());
  for (const RecordedFlow& flow : outcome.events.flows) {
    for (const RecordedStream& stream : flow.streams) EXPECT_TRUE(stream.in_order);
    EXPECT_TRUE(flow.close_reason.has_value());
  }
}

RecordedFlow OnlyFlow(const std::vector<CapturedPacket>& packets, const TcpLimits& limits = {}) {
  const Outcome outcome = Reassemble(packets, limits);
  ExpectBalanced(outcome);
  EXPECT_EQ(outcome.events.flows.size(), 1u);
  return outcome.events.flows.empty() ? RecordedFlow() : outcome.events.flows[0];
}

TEST(Connections, Case01_HandshakeDataAndFinBothWays) {
  const auto flow = OnlyFlow(Fresh().Handshake().Client("hello").Server("world").Close().packets);
  EXPECT_EQ(flow.client(), "hello");
  EXPECT_EQ(flow.server(), "world");
  EXPECT_EQ(flow.close_reason, CloseReason::kFinished);
  EXPECT_EQ(flow.info.opened_by, OpenedBy::kSyn);
  EXPECT_EQ(flow.info.client, kA);
  EXPECT_FALSE(flow.info.mid_stream);
  EXPECT_EQ(flow.summaries[0].bytes, 5u);
}

TEST(Connections, Case02_WithoutASynEverythingIsDelivered) {
  const auto flow = OnlyFlow(Fresh().Client("request").Server("answer").packets);
  EXPECT_EQ(flow.client(), "request");
  EXPECT_EQ(flow.server(), "answer");
  EXPECT_EQ(flow.info.opened_by, OpenedBy::kGuess);
  EXPECT_EQ(flow.info.client, kA) << "the higher port";
  EXPECT_TRUE(flow.info.mid_stream);
}

TEST(Connections, Case03_EarlierDataThatComesLaterIsPutInFront) {
  const auto flow = OnlyFlow(Fresh().FromServer(5, "fghij").FromServer(0, "abcde").packets);
  EXPECT_EQ(flow.server(), "abcdefghij");
}

TEST(Connections, Case04_DataAndSynAckBeforeTheSyn) {
  auto packets = Fresh().Handshake().Client("early").Server("late").Close().packets;
  std::swap(packets[0], packets[3]);
  const auto flow = OnlyFlow(packets);
  EXPECT_EQ(flow.client(), "early");
  EXPECT_EQ(flow.server(), "late");
  packets = Fresh().Handshake().Client("early").Server("late").Close().packets;
  std::swap(packets[0], packets[1]);
  EXPECT_EQ(OnlyFlow(packets).client(), "early");
}

TEST(Connections, Case05_ARepeatedSynIsIgnored) {
  auto packets = Fresh().Handshake().Client("x").Close().packets;
  packets.insert(packets.begin() + 1, packets[0]);
  packets.insert(packets.begin() + 5, packets[0]);
  EXPECT_EQ(OnlyFlow(packets).client(), "x");
}

TEST(Connections, Case06_OfTwoSynsTheAnsweredOneCounts) {
  for (const bool first : {true, false}) {
    auto packets = Fresh().Handshake().Client("right").Close().packets;
    const auto other = Fresh(777'000).Handshake().packets[0];
    packets.insert(packets.begin() + (first ? 1 : 0), other);
    EXPECT_EQ(OnlyFlow(packets).client(), "right");
  }
}

TEST(Connections, Case08_ASynOnAnOpenFlowCountsOnlyWhenItIsAnswered) {
  Talk old = Fresh().Handshake().Client("old ");
  const auto stray = Fresh(900'000'000).Handshake().packets[0];
  auto packets = old.packets;
  packets.push_back(stray);
  const auto more = old.Client("still old").Close().packets;
  packets.insert(packets.end(), more.begin() + static_cast<long>(packets.size()) - 1, more.end());
  auto flow = OnlyFlow(packets);
  EXPECT_EQ(flow.client(), "old still old");

  Talk first = Fresh().Handshake().Client("first");
  const Talk second = Fresh(900'000'000, 800'000'000).Handshake().Client("second").Close();
  const Outcome outcome = Reassemble(Join(first, second));
  ExpectBalanced(outcome);
  ASSERT_EQ(outcome.events.flows.size(), 2u);
  EXPECT_EQ(outcome.events.flows[0].client(), "first");
  EXPECT_EQ(outcome.events.flows[0].close_reason, CloseReason::kReplaced);
  EXPECT_EQ(outcome.events.flows[1].client(), "second");
}

TEST(Connections, Case09_APortUsedAgainAtOnceIsANewFlow) {
  for (const uint32_t isn : {2000u, 500u, 1000u + (1u << 31)}) {
    const Outcome outcome = Reassemble(Join(Fresh().Handshake().Client("one").Close(),
                                            Fresh(isn, isn + 9).Handshake().Client("two").Close()));
    ExpectBalanced(outcome);
    ASSERT_EQ(outcome.events.flows.size(), 2u) << isn;
    EXPECT_EQ(outcome.events.flows[0].client(), "one");
    EXPECT_EQ(outcome.events.flows[1].client(), "two");
  }
}

TEST(Connections, Case10_DataRepeatedAfterBothFinsOpensNothing) {
  auto packets = Fresh().Handshake().Client("data").Close().packets;
  packets.push_back(packets[3]);
  const Outcome outcome = Reassemble(packets);
  ExpectBalanced(outcome);
  EXPECT_EQ(outcome.events.flows.size(), 1u);
  EXPECT_EQ(outcome.ledger.after_close_bytes, 4u);
}

TEST(Connections, Case11_DataOnASynIsDeliveredWhenAccepted) {
  SegmentSpec syn{kA, kB, 1000, 0, kTcpSyn, "fast"};
  SegmentSpec accepted{kB, kA, 5000, 1005, kTcpSyn | kTcpAck};
  SegmentSpec refused{kB, kA, 5000, 1001, kTcpSyn | kTcpAck};
  const auto packet = [](const SegmentSpec& s, int i) {
    return Capture(EthernetFrame(Datagram(s)), i * kNsPerMs);
  };
  EXPECT_EQ(OnlyFlow({packet(syn, 0), packet(accepted, 1)}).client(), "fast");
  const Outcome outcome = Reassemble({packet(syn, 0), packet(refused, 1)});
  ExpectBalanced(outcome);
  EXPECT_EQ(outcome.events.flows[0].client(), "");
  EXPECT_EQ(outcome.ledger.unconfirmed_bytes, 4u);
  syn.options = Bytes({34, 2});
  EXPECT_EQ(OnlyFlow({packet(syn, 0)}).client(), "fast");
}

TEST(Connections, Case14_FinWithData) {
  const auto flow = OnlyFlow(Fresh().Handshake().FromClient(0, "all", kTcpAck | kTcpFin).packets);
  EXPECT_EQ(flow.client(), "all");
  EXPECT_TRUE(flow.summaries[0].fin_seen);
}

TEST(Connections, Case15_FinBeforeMissingDataClosesOnlyWhenItIsReached) {
  auto packets = Fresh().Handshake().Client("abc").Client("def").Close().packets;
  const auto data = packets[3];
  packets.erase(packets.begin() + 3);
  packets.insert(packets.end() - 1, data);
  const auto flow = OnlyFlow(packets);
  EXPECT_EQ(flow.client(), "abcdef");
  EXPECT_THAT(flow.streams[0].gaps, IsEmpty());
}

TEST(Connections, Case17_DataBeyondTheFinIsDropped) {
  const Outcome outcome = Reassemble(
      Fresh().Handshake().FromClient(0, "in", kTcpAck | kTcpFin).FromClient(2, "out").packets);
  ExpectBalanced(outcome);
  EXPECT_EQ(outcome.events.flows[0].client(), "in");
  EXPECT_EQ(outcome.ledger.after_fin_bytes, 3u);
}

TEST(Connections, Case18_AResetInTheWindowClosesAndDataBeforeItCounts) {
  const auto flow = OnlyFlow(
      Fresh().Handshake().FromClient(0, "unacknowledged").FromClient(14, "", kTcpRst).packets);
  EXPECT_EQ(flow.client(), "unacknowledged");
  EXPECT_EQ(flow.close_reason, CloseReason::kReset);
  EXPECT_THAT(flow.streams[0].gaps, IsEmpty());
}

TEST(Connections, Case18b_WhatTheOtherSideHadUnderWayIsTaken) {
  const auto flow = OnlyFlow(Fresh()
                                 .Handshake()
                                 .FromServer(0, "before")
                                 .FromClient(0, "", kTcpRst)
                                 .FromServer(6, " after")
                                 .packets);
  EXPECT_EQ(flow.server(), "before after");
}

TEST(Connections, Case19_AResetOutsideTheWindowIsIgnored) {
  const Outcome outcome = Reassemble(Fresh()
                                         .Handshake()
                                         .Client("one")
                                         .FromClient(50'000'000, "", kTcpRst)
                                         .FromClient(-30'000, "", kTcpRst)
                                         .Client("two")
                                         .Close()
                                         .packets);
  ExpectBalanced(outcome);
  EXPECT_EQ(outcome.events.flows[0].client(), "onetwo");
  EXPECT_EQ(outcome.events.flows[0].close_reason, CloseReason::kFinished);
  EXPECT_EQ(outcome.ledger.ignored_resets, 2u);
}

TEST(Connections, Case20_AResetsPayloadIsNoStreamData) {
  const Outcome outcome =
      Reassemble(Fresh().Handshake().Client("data").FromClient(4, "reason", kTcpRst).packets);
  ExpectBalanced(outcome);
  EXPECT_EQ(outcome.events.flows[0].client(), "data");
  EXPECT_EQ(outcome.ledger.reset_payload_bytes, 6u);
}

TEST(Connections, Case21_AResetFirstSetsNothing) {
  auto packets = Fresh().FromClient(77'777, "", kTcpRst).packets;
  const auto rest = Fresh().Handshake().Client("fine").packets;
  packets.insert(packets.end(), rest.begin(), rest.end());
  EXPECT_EQ(OnlyFlow(packets).client(), "fine");
}

TEST(Connections, Case23_HalfClosedOneSideGoesOn) {
  Talk talk = Fresh().Handshake().FromClient(0, "q", kTcpAck | kTcpFin);
  std::string answer;
  for (int i = 0; i < 50; ++i) {
    talk.Wait(kNsPerSecond).FromServer(static_cast<int64_t>(answer.size()), "block ");
    answer += "block ";
  }
  EXPECT_EQ(OnlyFlow(talk.packets).server(), answer);
}

TEST(Connections, Case25_SequenceNumbersWrap) {
  const std::string data(5000, 'w');
  for (const uint32_t isn : {0xffffffffu, 0xfffffff0u, 0xffffff00u, 0u, 0x7fffffffu}) {
    const auto flow =
        OnlyFlow(Fresh(isn, isn).Handshake().Client(data, 700).Server(data, 300).Close().packets);
    EXPECT_EQ(flow.client(), data);
    EXPECT_EQ(flow.server(), data);
    EXPECT_EQ(flow.close_reason, CloseReason::kFinished);
  }
}

TEST(Connections, Case28_AWildJumpSplitsNothing) {
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

TEST(Connections, Case34_ExactRepeatsAreCounted) {
  const Outcome outcome =
      Reassemble(Fresh().Handshake().FromClient(0, "same").FromClient(0, "same").packets);
  ExpectBalanced(outcome);
  EXPECT_EQ(outcome.ledger.retransmitted_bytes, 4u);
  EXPECT_EQ(outcome.events.flows[0].client(), "same");
}

TEST(Connections, Case35_OverlapsOfAllKindsFillWhatIsMissing) {
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

TEST(Connections, Case40_OfConflictingBytesTheFirstStayAndAreReported) {
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

TEST(Connections, Case42_AKeepAliveByteReplacesNothing) {
  const auto flow = OnlyFlow(
      Fresh().Handshake().FromClient(0, "abc").FromClient(2, "X").FromClient(3, "def").packets);
  EXPECT_EQ(flow.client(), "abcdef");
  EXPECT_THAT(flow.conflicts, IsEmpty());
}

TEST(Connections, Case44_AnAcknowledgedHoleIsHeldForTheGracePeriod) {
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

TEST(Connections, Case45_AHoleAtTheEndIsAGapWhenTheFlowEnds) {
  const auto flow = OnlyFlow(Fresh().Handshake().FromClient(0, "abc").FromClient(6, "ghi").packets);
  EXPECT_EQ(flow.client(), std::string("abc\0\0\0ghi", 9));
  EXPECT_THAT(flow.streams[0].gaps, ElementsAre(RecordedGap{3, 3, GapReason::kFlowEnded}));
  EXPECT_EQ(flow.close_reason, CloseReason::kOpenAtEnd);
}

TEST(Connections, Case47_WithoutAcknowledgementsTimeDecides) {
  TcpLimits limits;
  limits.unacknowledged_grace_ns = 10 * kNsPerSecond;
  Talk talk = Fresh().Handshake().FromClient(0, "abc").FromClient(6, "ghi");
  talk.Wait(11 * kNsPerSecond).FromClient(9, "jkl");
  const auto flow = OnlyFlow(talk.packets, limits);
  EXPECT_THAT(flow.streams[0].gaps, ElementsAre(RecordedGap{3, 3, GapReason::kNotAcknowledged}));
}

TEST(Connections, Case48_OneDirectionAloneIsDeliveredAtOnce) {
  Talk talk = Fresh().Handshake();
  talk.packets.resize(1);
  for (int i = 0; i < 100; ++i) talk.FromClient(i * 4, "tick");
  EventRecorder events;
  TcpReassembler reassembler({}, {}, &events);
  for (const auto& packet : talk.packets) reassembler.OnFrame(packet.frame());
  ASSERT_EQ(events.flows.size(), 1u);
  EXPECT_EQ(events.flows[0].client().size(), 400u) << "before the end";
}

TEST(Connections, Case57_TheStreamLimitTurnsTheHoleIntoAGap) {
  TcpLimits limits;
  limits.stream_waiting_bytes = 1000;
  Talk talk = Fresh().Handshake().FromClient(0, "a");
  for (int i = 0; i < 10; ++i) talk.FromClient(100 + i * 200, std::string(200, 'x'));
  const auto flow = OnlyFlow(talk.packets, limits);
  EXPECT_THAT(flow.streams[0].gaps, ElementsAre(RecordedGap{1, 99, GapReason::kStreamLimit}));
  EXPECT_EQ(flow.client().size(), 2100u);
}

TEST(Connections, Case57b_TheLimitOfAllStreamsHolds) {
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

TEST(Connections, Case61_WhatTheSnapshotLengthCutIsATruncatedGap) {
  auto packets = Fresh().Handshake().Client("0123456789").Client("abc").Close().packets;
  packets[3].bytes.resize(packets[3].bytes.size() - 4);
  const auto flow = OnlyFlow(packets);
  EXPECT_EQ(flow.client(), std::string("012345\0\0\0\0abc", 13));
  EXPECT_THAT(flow.streams[0].gaps, ElementsAre(RecordedGap{6, 4, GapReason::kTruncated}));
  EXPECT_EQ(flow.close_reason, CloseReason::kFinished);
}

TEST(Connections, Case76_OpenFlowsAreFlushedAtTheEnd) {
  const auto flow = OnlyFlow(Fresh().Handshake().Client("open").packets);
  EXPECT_EQ(flow.close_reason, CloseReason::kOpenAtEnd);
  EXPECT_EQ(flow.client(), "open");
}

TEST(Connections, Case77_UnderPressureTheOneSilentLongestGoes) {
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

TEST(Connections, Case79_HalfOpenFlowsNeverReachASinkAndExpire) {
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

TEST(Connections, ARefusedAttemptLeavesNothing) {
  SegmentSpec refusal{kB, kA, 0, 1001, kTcpRst | kTcpAck};
  auto packets = Fresh().Handshake().packets;
  packets.resize(1);
  packets.push_back(Capture(EthernetFrame(Datagram(refusal)), packets[0].time_ns + 1));
  const auto again = Fresh(1000, 9000).Handshake().Client("second try").packets;
  packets.insert(packets.end(), again.begin(), again.end());
  EXPECT_EQ(OnlyFlow(packets).client(), "second try");
}

TEST(Connections, IdleFlowsAreClosedByPacketTime) {
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

TEST(Connections, Case80_ClocksThatJumpLoseNothing) {
  for (const TimeNs start :
       {TimeNs{0}, TimeNs{4'102'444'800} * kNsPerSecond, kTimeMax - 10, TimeNs{-5}}) {
    auto packets = Fresh().Handshake().Client("abc").Client("def").Close().packets;
    for (size_t i = 0; i < packets.size(); ++i) {
      packets[i].time_ns = i % 2 == 0 ? start : start / 2;
    }
    EXPECT_EQ(OnlyFlow(packets).client(), "abcdef") << start;
  }
}

TEST(Connections, StreamsLongerThanFourGigabytesKeepTheirOffsets) {
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
  TcpReassembler big({}, {}, &offsets);
  for (const auto& packet : talk.packets) big.OnFrame(packet.frame());
  EXPECT_EQ(last, static_cast<uint64_t>(at - kJump));
  EXPECT_GT(last, uint64_t{5} << 30);
}

}  // namespace
}  // namespace flowstitch
