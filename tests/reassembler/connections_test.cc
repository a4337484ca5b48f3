// How connections begin and end, packet by packet.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>
#include "tests/support/flow_checks.h"

namespace flowstitch {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using namespace flowstitch::testing;

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

TEST(Connections, ARefusedAttemptLeavesNothing) {
  SegmentSpec refusal{kB, kA, 0, 1001, kTcpRst | kTcpAck};
  auto packets = Fresh().Handshake().packets;
  packets.resize(1);
  packets.push_back(Capture(EthernetFrame(Datagram(refusal)), packets[0].time_ns + 1));
  const auto again = Fresh(1000, 9000).Handshake().Client("second try").packets;
  packets.insert(packets.end(), again.begin(), again.end());
  EXPECT_EQ(OnlyFlow(packets).client(), "second try");
}

TEST(Connections, Case07_OfTwoSynAcksTheOneTheClientAcknowledgesCounts) {
  for (const bool false_one_first : {true, false}) {
    Talk talk = Fresh();
    talk.ClientSegment(1000, 0, kTcpSyn);
    const uint32_t first = false_one_first ? 3'000'000'000 : 5000;
    const uint32_t second = false_one_first ? 5000 : 3'000'000'000;
    talk.ServerSegment(first, 1001, kTcpSyn | kTcpAck)
        .ServerSegment(second, 1001, kTcpSyn | kTcpAck);
    Talk by_data = talk;
    talk.ClientSegment(1001, 5001, kTcpAck).Client("question").Server("answer").Close();
    auto flow = OnlyFlow(talk.packets);
    EXPECT_EQ(flow.client(), "question");
    EXPECT_EQ(flow.server(), "answer");
    EXPECT_EQ(flow.close_reason, CloseReason::kFinished);
    // The client's word was not seen, but the server goes on.
    flow = OnlyFlow(by_data.Server("answer").packets);
    EXPECT_EQ(flow.server(), "answer");
  }
}

TEST(Connections, Case12_DataOnASynAckIsDeliveredWhenAccepted) {
  Talk talk = Fresh().ClientSegment(1000, 0, kTcpSyn);
  talk.ServerSegment(5000, 1001, kTcpSyn | kTcpAck, "early");
  Talk accepted = talk;
  accepted.ClientSegment(1001, 5006, kTcpAck).ServerSegment(5006, 1001, kTcpAck, " more");
  EXPECT_EQ(OnlyFlow(accepted.packets).server(), "early more");
  // Taken without its data, which then comes again.
  Talk refused = talk;
  refused.ClientSegment(1001, 5001, kTcpAck).ServerSegment(5001, 1001, kTcpAck, "EARLY");
  const Outcome outcome = Checked(refused.packets);
  EXPECT_EQ(outcome.events.flows[0].server(), "EARLY");
  EXPECT_EQ(outcome.ledger.unconfirmed_bytes, 5u);
}

TEST(Connections, Case13_SimultaneousOpenAndSplitHandshakesAreOneFlow) {
  const struct {
    const char* name;
    std::vector<std::tuple<bool, uint32_t, uint32_t, int>> segments;  // client?, seq, ack, flags
  } cases[] = {
      {"simultaneous",
       {{true, 1000, 0, kTcpSyn},
        {false, 5000, 0, kTcpSyn},
        {true, 1000, 5001, kTcpSyn | kTcpAck},
        {false, 5000, 1001, kTcpSyn | kTcpAck}}},
      {"four-way",
       {{true, 1000, 0, kTcpSyn},
        {false, 4999, 1001, kTcpAck},
        {false, 5000, 0, kTcpSyn},
        {true, 1000, 5001, kTcpSyn | kTcpAck},
        {false, 5001, 1001, kTcpAck}}},
      {"five-way",
       {{true, 1000, 0, kTcpSyn},
        {false, 0, 1001, kTcpAck},
        {false, 5000, 0, kTcpSyn},
        {true, 1000, 5001, kTcpSyn | kTcpAck},
        {false, 5001, 1001, kTcpAck},
        {true, 1001, 5001, kTcpAck}}},
  };
  for (const auto& c : cases) {
    SCOPED_TRACE(c.name);
    Talk talk = Fresh();
    for (const auto& [client, sequence, acknowledgement, flags] : c.segments) {
      if (client) {
        talk.ClientSegment(sequence, acknowledgement, static_cast<uint8_t>(flags));
      } else {
        talk.ServerSegment(sequence, acknowledgement, static_cast<uint8_t>(flags));
      }
    }
    const auto flow = OnlyFlow(talk.Client("hi").Server("ho").Close().packets);
    EXPECT_EQ(flow.client(), "hi");
    EXPECT_EQ(flow.server(), "ho");
    EXPECT_EQ(flow.info.client, kA) << "who spoke first stays the client";
    EXPECT_EQ(flow.close_reason, CloseReason::kFinished);
  }
}

TEST(Connections, Case16_ARepeatedFinIsOneAndALaterOneMovesNothing) {
  Talk talk = Fresh().Handshake().FromClient(0, "data", kTcpAck | kTcpFin);
  talk.FromClient(0, "data", kTcpAck | kTcpFin).FromClient(4, "", kTcpAck | kTcpFin);
  talk.FromClient(30, "", kTcpAck | kTcpFin);
  const auto flow = OnlyFlow(talk.FromServer(0, "", kTcpAck | kTcpFin).packets);
  EXPECT_EQ(flow.client(), "data");
  EXPECT_THAT(flow.streams[0].gaps, IsEmpty());
  EXPECT_EQ(flow.close_reason, CloseReason::kFinished);
}

TEST(Connections, Case22_OddFlagsAreCountedAndTheDataKept) {
  Talk talk = Fresh().Handshake();
  talk.FromClient(0, "no flags ", 0).FromClient(9, "all the rest", kTcpAck);
  talk.FromClient(21, "", kTcpSyn | kTcpFin).FromClient(21, "", 0x3f);
  const Outcome outcome = Checked(talk.packets);
  ASSERT_EQ(outcome.events.flows.size(), 1u);
  EXPECT_EQ(outcome.events.flows[0].client(), "no flags all the rest");
  EXPECT_EQ(outcome.ledger.odd_flag_segments, 3u);
  EXPECT_EQ(outcome.ledger.malformed_frames, 0u);
  // Alone, none of them makes a flow.
  for (const uint8_t flags : std::to_array<uint8_t>({0x00, 0x03, 0x06, 0x07, 0x3f})) {
    EXPECT_THAT(Checked(Fresh().FromClient(0, "", flags).packets).events.flows, IsEmpty());
  }
}

// Idle for longer than a flow lives: what comes then is linked to it, and offsets go on.
TEST(Connections, Case24_AfterIdlenessTheOffsetsGoOn) {
  TcpLimits limits;
  limits.idle_timeout_ns = 100 * kNsPerSecond;
  Talk talk = Fresh().Handshake().Client("before").Server("BEFORE");
  // Others go on meanwhile: it is their packets that time passes by.
  const auto others = [](TimeNs time_ns) {
    Talk other(End("10.0.0.9", 9), kB);
    other.time_ns = time_ns;
    return other.Handshake().packets;
  };
  talk.packets = Join(talk.packets, others(talk.time_ns + 140 * kNsPerSecond));
  talk.Wait(150 * kNsPerSecond).Client(" after").Server(" AFTER").Close();
  const Outcome outcome = Checked(talk.packets, limits);
  ASSERT_EQ(outcome.events.flows.size(), 3u);
  const RecordedFlow& one = outcome.events.flows[0];
  const RecordedFlow& two = outcome.events.flows[2];
  EXPECT_EQ(one.close_reason, CloseReason::kIdle);
  EXPECT_EQ(one.client(), "before");
  EXPECT_TRUE(two.info.continued);
  EXPECT_EQ(two.info.continues, one.info.id);
  EXPECT_EQ(two.info.client, kA);
  EXPECT_EQ(two.info.start_offset[0], 6u);
  EXPECT_EQ(two.info.start_offset[1], 6u);
  EXPECT_EQ(two.client(), " after");
  EXPECT_EQ(two.server(), " AFTER");
  EXPECT_EQ(two.close_reason, CloseReason::kFinished);
  EXPECT_EQ(outcome.ledger.continued_flows, 1u);
  // A repeat of what was there before opens nothing.
  Talk repeat = Fresh().Handshake().Client("before");
  repeat.packets = Join(repeat.packets, others(repeat.time_ns + 140 * kNsPerSecond));
  repeat.Wait(150 * kNsPerSecond).FromClient(0, "before").FromClient(5, "e");
  EXPECT_EQ(Checked(repeat.packets, limits).events.flows.size(), 2u);
}

TEST(Connections, TheHistoryTellsWhatHappenedFirst) {
  EXPECT_EQ(OnlyFlow(Fresh().Handshake().Client("q").Server("a").Close().packets).history,
            "ShADadFf");
  EXPECT_EQ(OnlyFlow(Fresh().FromServer(0, "x").packets).history, "d");
  Talk talk = Fresh().Handshake().FromClient(0, "abc").FromClient(0, "abX").FromClient(9, "gap");
  talk.Window(0).FromServer(0, "", kTcpAck).Window(9).FromServer(0, "", kTcpRst);
  talk.FromClient(12, "", 0);
  EXPECT_EQ(OnlyFlow(talk.packets).history, "ShADTIawrQG");
}

}  // namespace
}  // namespace flowstitch
