// Sequence numbers, order and overlap, packet by packet.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <functional>
#include <map>
#include <numeric>
#include <random>

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
    void OnBytes(FlowId, Direction, uint64_t offset, ByteView, const BytesInfo&) override {
      *out_ = offset;
    }
    void OnGap(FlowId, Direction, uint64_t, uint64_t, GapReason, TimeNs) override {}
    uint64_t* out_;
  } offsets(&last);
  Reassembler big({}, &offsets);
  for (const auto& packet : talk.packets) big.OnFrame(packet.frame());
  EXPECT_EQ(last, static_cast<uint64_t>(at - kJump));
  EXPECT_GT(last, uint64_t{5} << 30);
}

TEST(Streams, EachPieceSaysWhatItsSenderHad) {
  // In every order of the six segments, and with each one missing.
  Talk talk = Fresh().Handshake();
  const size_t opening = talk.packets.size();
  std::vector<CapturedPacket> segments;
  const auto say = [&](bool client, std::string_view text) {
    const size_t at = talk.packets.size();
    client ? talk.Client(text) : talk.Server(text);
    segments.push_back(talk.packets[at]);
  };
  say(true, "abc"), say(false, "de"), say(true, "f");
  say(false, "ghi"), say(true, "jk"), say(false, "l");
  const std::map<uint64_t, uint64_t> wanted[2] = {{{0, 0}, {3, 2}, {4, 5}},
                                                  {{0, 3}, {2, 4}, {5, 6}}};
  std::vector<size_t> order = {0, 1, 2, 3, 4, 5};
  size_t seen = 0;
  do {
    for (size_t missing = 0; missing <= order.size(); ++missing) {
      std::vector<CapturedPacket> packets(talk.packets.begin(),
                                          talk.packets.begin() + static_cast<long>(opening));
      for (const size_t i : order) {
        if (i != missing) packets.push_back(segments[i]);
      }
      const Outcome outcome = Reassemble(packets);
      ASSERT_EQ(outcome.events.flows.size(), 1u);
      for (const size_t d : {0u, 1u}) {
        for (const auto& [offset, had] : outcome.events.flows[0].streams[d].acknowledged) {
          EXPECT_EQ(had, wanted[d].at(offset)) << "direction " << d << " offset " << offset;
          ++seen;
        }
      }
    }
  } while (std::next_permutation(order.begin(), order.end()));
  EXPECT_EQ(seen, 720u * (6 + 6 * 5));
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

TEST(Streams, Case27_TheEdgesOfTheNumbers) {
  // Initial number 0xffffffff: data begin at 0. Initial number 0xfffffffe: the FIN takes 0.
  for (const uint32_t isn : {0xffffffffu, 0xfffffffeu, 0u, 0x7fffffffu, 0x80000000u}) {
    Talk talk = Fresh(isn, isn).Handshake().Client("a").Server("b").Close();
    const auto flow = OnlyFlow(talk.packets);
    EXPECT_EQ(flow.client(), "a") << isn;
    EXPECT_EQ(flow.server(), "b");
    EXPECT_EQ(flow.close_reason, CloseReason::kFinished);
  }
  // An acknowledgement of 0 on a SYN is nothing; on a wrapped stream it is a number like others.
  Talk talk = Fresh(0xfffffffbu).Handshake().FromClient(0, "abcd");
  talk.ServerSegment(5001, 0, kTcpAck).FromClient(6, "gh").ServerSegment(5001, 4, kTcpAck);
  talk.Wait(10 * kNsPerSecond).FromClient(8, "i");
  EXPECT_THAT(OnlyFlow(talk.packets).streams[0].gaps,
              ElementsAre(RecordedGap{4, 2, GapReason::kAcknowledged}));
}

// 30 to 33: in order, swapped, reversed, shuffled: the same output.
std::string OrderedBy(const std::function<void(std::vector<int>*)>& change, uint32_t isn) {
  std::vector<int> order(50);
  std::iota(order.begin(), order.end(), 0);
  change(&order);
  Talk talk = Fresh(isn).Handshake();
  for (const int i : order) {
    talk.FromClient(i * 10, std::string(10, static_cast<char>('0' + i)));
  }
  const auto flow = OnlyFlow(talk.packets);
  EXPECT_THAT(flow.streams[0].gaps, IsEmpty());
  return flow.client();
}

std::string InOrder() {
  std::string text;
  for (int i = 0; i < 50; ++i) text += std::string(10, static_cast<char>('0' + i));
  return text;
}

TEST(Streams, Case30_InOrder) {
  EXPECT_EQ(OrderedBy([](auto*) {}, 1000), InOrder());
}

TEST(Streams, Case31_NeighboursSwapped) {
  const auto swap = [](std::vector<int>* v) {
    for (size_t i = 0; i + 1 < v->size(); i += 2) std::swap((*v)[i], (*v)[i + 1]);
  };
  EXPECT_EQ(OrderedBy(swap, 0xffffff80u), InOrder());
}

TEST(Streams, Case32_Reversed) {
  EXPECT_EQ(OrderedBy([](auto* v) { std::reverse(v->begin(), v->end()); }, 0xffffff80u), InOrder());
}

TEST(Streams, Case33_Shuffled) {
  std::mt19937_64 random(33);
  for (int i = 0; i < 200; ++i) {
    const auto shuffle = [&](auto* v) { std::shuffle(v->begin(), v->end(), random); };
    ASSERT_EQ(OrderedBy(shuffle, static_cast<uint32_t>(random())), InOrder());
  }
}

// Segments (offset, text) behind a hole that is filled last.
std::string Overlapped(const std::vector<std::pair<int, const char*>>& segments) {
  Talk talk = Fresh().Handshake();
  for (const auto& [at, text] : segments) talk.FromClient(at, text);
  const auto flow = OnlyFlow(talk.FromClient(0, "0").packets);
  EXPECT_THAT(flow.conflicts, IsEmpty());
  return flow.client();
}

TEST(Streams, Case36_OverlapOnTheLeft) {
  EXPECT_EQ(Overlapped({{4, "4567"}, {1, "12345"}}), "01234567");
}
TEST(Streams, Case37_OverlapOnTheRight) {
  EXPECT_EQ(Overlapped({{1, "12345"}, {4, "4567"}}), "01234567");
}
TEST(Streams, Case38_OneSegmentOverSeveral) {
  EXPECT_EQ(Overlapped({{2, "2"}, {4, "45"}, {7, "7"}, {1, "12345678"}}), "012345678");
}
TEST(Streams, Case39_OneInsideAnother) {
  EXPECT_EQ(Overlapped({{1, "12345678"}, {3, "345"}, {1, "12"}, {7, "78"}}), "012345678");
}

// Bytes that were delivered cannot be undone; that others came is still told.
TEST(Streams, Case41_ConflictsWithDeliveredBytesAreStillDetected) {
  Talk talk = Fresh().Handshake().Client("The quick brown fox");
  const auto flow = OnlyFlow(talk.FromClient(4, "QUICK").FromClient(0, "The").packets);
  EXPECT_EQ(flow.client(), "The quick brown fox");
  ASSERT_EQ(flow.conflicts.size(), 1u);
  EXPECT_EQ(flow.conflicts[0].offset, 4u);
  EXPECT_EQ(flow.conflicts[0].length, 5u);
  EXPECT_EQ(flow.conflicts[0].kept, "quick");
  EXPECT_EQ(flow.conflicts[0].dropped, "QUICK");
  EXPECT_EQ(flow.summaries[0].conflicting_bytes, 5u);
  // For the last bytes only: the window is bounded.
  TcpLimits limits;
  limits.conflict_window_bytes = 64 << 10;
  Talk longer = Fresh().Handshake().Client("The quick brown fox");
  longer.Client(std::string(100'000, '.')).FromClient(4, "QUICK");
  longer.FromClient(50'000, "!!");
  const auto late = OnlyFlow(longer.packets, limits);
  ASSERT_EQ(late.conflicts.size(), 1u);
  EXPECT_EQ(late.conflicts[0].offset, 50'000u);
}

Packet Timestamp(uint32_t value) {
  Packet p = Bytes({1, 1, 8, 10, 0, 0, 0, 0, 0, 0, 0, 0});
  StoreBe32(p.data() + 4, value);
  return p;
}

// A stream longer than the sequence space: a segment from 4 GiB before, delayed until its number
// fits again, is told by its timestamp (RFC 7323).
TEST(Streams, Case54_AStaleWrappedSegmentReplacesNothing) {
  TcpLimits limits;
  limits.stream_waiting_bytes = 1 << 20;
  Talk talk = Fresh().Handshake();
  constexpr int64_t kJump = 15 << 20;
  int64_t at = 0;
  uint32_t clock = 1000;
  for (; at < (int64_t{1} << 32) + kJump; at += kJump) {
    talk.With(Timestamp(clock += 1000)).FromClient(at, "mark").ServerAcknowledges(at + 5);
    talk.Wait(6 * kNsPerSecond).FromClient(at + 4, "!");
  }
  at -= kJump - 5;
  talk.FromClient(at, "before ");
  const auto fresh = [&] { return Talk(talk).With(Timestamp(clock)).FromClient(at + 7, "right"); };
  Talk stale = Talk(talk).With(Timestamp(2000)).FromClient(at + 7, "WRONG");
  stale.With(Timestamp(clock)).FromClient(at + 7, "right");
  class Last : public EventRecorder {
   public:
    void OnBytes(FlowId, Direction, uint64_t, ByteView bytes, const BytesInfo&) override {
      last = AsText(bytes);
    }
    void OnGap(FlowId, Direction, uint64_t, uint64_t, GapReason, TimeNs) override {}
    std::string last;
  };
  for (const Talk& t : {fresh(), stale}) {
    Last events;
    Reassembler reassembler({}, &events);
    for (const auto& packet : t.packets) reassembler.OnFrame(packet.frame());
    EXPECT_EQ(events.last, "right");
    EXPECT_EQ(reassembler.ledger().conflicts, 0u);
    reassembler.Finish();
    EXPECT_THAT(FindImbalance(reassembler.ledger()), IsEmpty());
  }
  // In a shorter stream an older timestamp is only disorder.
  Talk young = Fresh().Handshake().With(Timestamp(900'000)).FromClient(0, "a");
  young.With(Timestamp(1)).FromClient(1, "b");
  EXPECT_EQ(OnlyFlow(young.packets).client(), "ab");
}

TEST(Streams, Case55_UrgentDataStayInline) {
  Talk talk = Fresh().Handshake().Client("to");
  talk.FromClient(2, "!", kTcpAck | kTcpUrg).FromClient(3, "day", kTcpAck);
  EXPECT_EQ(OnlyFlow(talk.packets).client(), "to!day");
}

TEST(Streams, Case58_WindowsThatShrinkChangeNothing) {
  Talk talk = Fresh().Handshake().Client(std::string(1000, 'a'));
  talk.Window(500).ServerAcknowledges(1000).Window(1).ServerAcknowledges(1000);
  talk.FromClient(1000, std::string(400, 'b')).Window(0).ServerAcknowledges(1000);
  talk.FromClient(1400, std::string(100, 'c'));
  EXPECT_EQ(OnlyFlow(talk.packets).client(),
            std::string(1000, 'a') + std::string(400, 'b') + std::string(100, 'c'));
}

TEST(Streams, Case59_HeadersThatMakeNoSenseAreCounted) {
  Talk talk = Fresh().Handshake().Client("fine");
  for (const uint8_t offset : std::to_array<uint8_t>({0x00, 0x40, 0xf0})) {
    talk.FromClient(4, "x");
    talk.packets.back().bytes[14 + 20 + 12] = offset;
  }
  // Options that lead nowhere are passed over; the data are good.
  talk.With({8, 99, 1, 1}).FromClient(4, " data").With({2, 0, 0, 0}).FromClient(9, " too");
  const Outcome outcome = Checked(talk.packets);
  EXPECT_EQ(outcome.events.flows[0].client(), "fine data too");
  EXPECT_EQ(outcome.ledger.bad_segments, 3u);
}

TEST(Streams, Case60_MptcpSubflowsAreStreamsOfTheirOwn) {
  // MP_CAPABLE on one, MP_JOIN on the other (RFC 8684): bytes of each as they travelled.
  Talk first = Fresh().With({30, 4, 0x01, 0x81}).Handshake().With({30, 4, 0x20, 0}).Client("one");
  Talk second(End("10.0.0.3", 40001), kB);
  second.With({30, 4, 0x10, 1}).Handshake().With({30, 4, 0x20, 0}).Client("two");
  const Outcome outcome = Checked(Join(first, second));
  ASSERT_EQ(outcome.events.flows.size(), 2u);
  EXPECT_EQ(outcome.events.flows[0].client(), "one");
  EXPECT_EQ(outcome.events.flows[1].client(), "two");
}

}  // namespace
}  // namespace flowstitch
