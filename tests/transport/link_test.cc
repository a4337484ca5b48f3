// The link between a sender and a receiver over a network that loses, repeats and reorders.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "tests/support/lossy_network.h"
#include "transport/link/blob_message.h"
#include "transport/link/link_limits.h"
#include "transport/link/link_receiver.h"
#include "transport/link/link_sender.h"
#include "transport/name_claim.h"

namespace flowstitch {
namespace {

using ::testing::HasSubstr;
using testing::LossyNetwork;
using testing::NetworkFaults;

constexpr int kToSender = 0;
constexpr int kToReceiver = 1;
constexpr size_t kMessageBytes = 1000;

WireMessage Numbered(uint64_t sequence) {
  BlobBuffer buffer(64, kMessageBytes);
  buffer.Append(AsBytes(std::string(kMessageBytes, static_cast<char>('a' + sequence % 26))));
  return buffer.Finish(sequence, wire::LinkMessage::kPacketsFieldNumber, wire::PacketBatch(),
                       nullptr);
}

// Two ends and what lies between, in steps of a millisecond.
class Pair {
 public:
  Pair(uint64_t seed, NetworkFaults faults, bool sender_dials, uint64_t window = 10 * kMessageBytes)
      : network(seed, faults),
        log(1 << 20),
        sender_dials_(sender_dials),
        window_(window),
        sender(std::make_unique<LinkSender>(SenderIdentity(), wire::REASSEMBLER_INPUT, sender_dials,
                                            &log)) {
    NewReceiver();
  }

  static LinkIdentity SenderIdentity() { return {wire::CAPTURE, "sender", 11}; }

  // As after a restart of the receiving process.
  void NewReceiver() {
    receiver = std::make_unique<LinkReceiver>(
        LinkIdentity{wire::REASSEMBLER_INPUT, "receiver", ++receiver_epoch_}, wire::CAPTURE,
        !sender_dials_, window_);
  }

  void Step() {
    now_ns += kNsPerMs;
    network.Deliver(now_ns, [this](int towards, const WireMessage& m) { Arrive(towards, m); });
    while (const auto out = sender->NextToSend(now_ns)) {
      if (!connected) continue;
      network.Send(kToReceiver, *out, now_ns);
    }
    while (const auto out = receiver->NextToSend(now_ns)) {
      if (connected) network.Send(kToSender, *out, now_ns);
    }
    log.ForgetThrough(sender->acknowledged());
  }

  void Arrive(int towards, const WireMessage& wire) {
    wire::LinkMessage message;
    ByteView blob;
    ASSERT_TRUE(DecodeLinkMessage(wire.bytes(), &message, &blob).ok());
    if (towards == kToSender) {
      sender->Receive(message, now_ns);
      return;
    }
    if (receiver->Receive(message, wire.size(), now_ns) != Arrival::kTake) return;
    taken.push_back(message.sequence());
    if (finish_at_once) Finish(message.sequence());
  }

  void Finish(uint64_t sequence) {
    receiver->Finish(receiver->restarts(), sequence, kMessageBytes);
  }

  bool RunUntilAcknowledged(uint64_t sequence, int most_steps) {
    for (int i = 0; i < most_steps && sender->acknowledged() < sequence; ++i) Step();
    return sender->acknowledged() == sequence;
  }

  LossyNetwork network;
  SendLog log;
  bool sender_dials_;
  uint64_t window_;
  uint64_t receiver_epoch_ = 100;
  std::unique_ptr<LinkSender> sender;
  std::unique_ptr<LinkReceiver> receiver;
  std::vector<uint64_t> taken;
  int64_t now_ns = 1;
  bool connected = true;
  bool finish_at_once = true;
};

std::vector<uint64_t> UpTo(uint64_t n) {
  std::vector<uint64_t> all;
  for (uint64_t i = 1; i <= n; ++i) all.push_back(i);
  return all;
}

TEST(Link, DeliversEverythingOnceInOrderWhateverTheNetworkDoes) {
  for (uint64_t seed = 1; seed <= 1000; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    NetworkFaults faults;
    faults.loss = static_cast<double>(seed % 5) * 0.1;
    faults.repeat = static_cast<double>(seed % 3) * 0.2;
    faults.jitter_ns = static_cast<int64_t>(seed % 4) * 5 * kNsPerMs;
    Pair pair(seed, faults, seed % 2 == 0);
    for (uint64_t s = 1; s <= 60; ++s) pair.log.Append(Numbered(s));
    ASSERT_TRUE(pair.RunUntilAcknowledged(60, 600'000));
    ASSERT_EQ(pair.taken, UpTo(60));
    ASSERT_EQ(pair.log.bytes(), 0u);
  }
}

TEST(Link, GoesOnAfterTheConnectionBroke) {
  for (uint64_t seed = 1; seed <= 50; ++seed) {
    Pair pair(seed, {}, seed % 2 == 0);
    for (uint64_t s = 1; s <= 40; ++s) pair.log.Append(Numbered(s));
    for (int i = 0; i < static_cast<int>(seed % 17); ++i) pair.Step();
    pair.network.Cut();
    pair.connected = false;
    for (int i = 0; i < 8000; ++i) pair.Step();
    EXPECT_NE(pair.sender->state(), LinkState::kOpen);
    pair.connected = true;
    ASSERT_TRUE(pair.RunUntilAcknowledged(40, 20'000)) << "seed " << seed;
    EXPECT_EQ(pair.taken, UpTo(40));
  }
}

TEST(Link, WhatIsNotFinishedIsNotAcknowledgedAndTheWindowBoundsIt) {
  Pair pair(1, {}, true, 10 * kMessageBytes);
  pair.finish_at_once = false;
  for (uint64_t s = 1; s <= 100; ++s) pair.log.Append(Numbered(s));
  for (int i = 0; i < 5000; ++i) pair.Step();
  EXPECT_EQ(pair.sender->acknowledged(), 0u);
  // Ten messages of a little over 1,000 bytes do not all fit into 10,000.
  EXPECT_EQ(pair.taken.size(), 9u);
  pair.Finish(9);
  for (int i = 0; i < 5000; ++i) pair.Step();
  EXPECT_EQ(pair.sender->acknowledged(), 9u);
  EXPECT_EQ(pair.taken.size(), 18u);
}

TEST(Link, AMessageLargerThanTheWindowGoesAlone) {
  Pair pair(1, {}, true, kMessageBytes / 2);
  for (uint64_t s = 1; s <= 5; ++s) pair.log.Append(Numbered(s));
  ASSERT_TRUE(pair.RunUntilAcknowledged(5, 10'000));
  EXPECT_EQ(pair.taken, UpTo(5));
}

class RestartedReceiver : public ::testing::TestWithParam<bool> {};

TEST_P(RestartedReceiver, GetsWhatItsPredecessorHadNotFinishedAndKnowsHowMuchThatHad) {
  Pair pair(3, {}, GetParam());
  pair.finish_at_once = false;
  for (uint64_t s = 1; s <= 20; ++s) pair.log.Append(Numbered(s), 100 + s);
  for (int i = 0; i < 100; ++i) pair.Step();
  pair.Finish(4);
  for (int i = 0; i < 100; ++i) pair.Step();
  ASSERT_EQ(pair.sender->acknowledged(), 4u);
  pair.network.Cut();
  pair.NewReceiver();
  pair.taken.clear();
  pair.finish_at_once = true;
  ASSERT_TRUE(pair.RunUntilAcknowledged(20, 20'000));
  ASSERT_FALSE(pair.taken.empty());
  EXPECT_EQ(pair.taken.front(), 5u);
  EXPECT_EQ(pair.taken.size(), 16u);
  EXPECT_EQ(pair.receiver->frames_before(), 101u + 102u + 103u + 104u);
}

INSTANTIATE_TEST_SUITE_P(Link, RestartedReceiver, ::testing::Bool());

TEST(Link, AnotherVersionIsRefusedWithAReasonOnBothSides) {
  Pair pair(1, {}, true);
  wire::LinkMessage hello;
  FillHello({wire::CAPTURE, "newer", 5}, hello.mutable_hello());
  hello.mutable_hello()->set_version_min(kLinkVersionMax + 1);
  hello.mutable_hello()->set_version_max(kLinkVersionMax + 3);
  pair.receiver->Receive(hello, 100, 1);
  EXPECT_EQ(pair.receiver->state(), LinkState::kRefused);
  EXPECT_THAT(pair.receiver->refusal(), HasSubstr("'newer' speaks versions 2 to 4"));
  wire::LinkMessage answer;
  ByteView blob;
  ASSERT_TRUE(DecodeLinkMessage(pair.receiver->NextToSend(2)->bytes(), &answer, &blob).ok());
  ASSERT_EQ(answer.refusal().reason(), wire::Refusal::VERSION);
  pair.sender->Receive(answer, 3);
  EXPECT_EQ(pair.sender->state(), LinkState::kRefused);
  EXPECT_THAT(pair.sender->refusal(), HasSubstr("same release"));
  EXPECT_FALSE(pair.sender->NextToSend(4).has_value());
}

TEST(Link, TheWrongRoleAndNonsenseAreRefused) {
  const LinkIdentity self{wire::REASSEMBLER_INPUT, "r", 1};
  wire::Hello hello;
  FillHello({wire::SINK, "s", 2}, &hello);
  EXPECT_THAT(CheckHello(hello, self, wire::CAPTURE)->text(), HasSubstr("'s' is a sink"));
  EXPECT_FALSE(CheckHello(hello, self, wire::SINK).has_value());
  hello.set_epoch(0);
  EXPECT_EQ(CheckHello(hello, self, wire::SINK)->reason(), wire::Refusal::NOT_FLOWSTITCH);
  hello.set_magic("http");
  EXPECT_EQ(CheckHello(hello, self, wire::SINK)->reason(), wire::Refusal::NOT_FLOWSTITCH);
  FillHello({wire::SINK, std::string(kMaxNameBytes + 1, 'x'), 2}, &hello);
  EXPECT_TRUE(CheckHello(hello, self, wire::SINK).has_value());
}

// A capture whose earlier process's batches still wait is not granted the same bytes again.
TEST(Link, WhatARestartedPeerSentBeforeCountsAgainstItsWindow) {
  Pair pair(1, {}, true, 10 * kMessageBytes);
  pair.finish_at_once = false;
  for (uint64_t s = 1; s <= 20; ++s) pair.log.Append(Numbered(s));
  for (int i = 0; i < 1000; ++i) pair.Step();
  ASSERT_EQ(pair.taken.size(), 9u);
  const uint64_t former = pair.receiver->restarts();
  SendLog log(1 << 20);
  LinkSender second({wire::CAPTURE, "sender", 12}, wire::REASSEMBLER_INPUT, true, &log);
  for (uint64_t s = 1; s <= 20; ++s) log.Append(Numbered(s));
  uint64_t taken = 0;
  const auto exchange = [&] {
    for (int i = 0; i < 2000; ++i) {
      pair.now_ns += kNsPerMs;
      wire::LinkMessage message;
      ByteView blob;
      while (const auto out = second.NextToSend(pair.now_ns)) {
        ASSERT_TRUE(DecodeLinkMessage(out->bytes(), &message, &blob).ok());
        if (pair.receiver->Receive(message, out->size(), pair.now_ns) == Arrival::kTake) ++taken;
      }
      while (const auto out = pair.receiver->NextToSend(pair.now_ns)) {
        ASSERT_TRUE(DecodeLinkMessage(out->bytes(), &message, &blob).ok());
        second.Receive(message, pair.now_ns);
      }
    }
  };
  exchange();
  EXPECT_EQ(taken, 1u) << "one message always goes";
  EXPECT_EQ(pair.receiver->state(), LinkState::kOpen);
  for (uint64_t s = 1; s <= 9; ++s) pair.receiver->Finish(former, s, kMessageBytes + 12);
  EXPECT_EQ(pair.receiver->finished(), 0u) << "the new process's messages are not finished by it";
  exchange();
  EXPECT_EQ(taken, 9u);
}

// A busy machine may keep a thread from running for a long time.
TEST(Link, APeerInTheSameProcessIsNeverLost) {
  for (const bool in_process : {false, true}) {
    SendLog log(1 << 20);
    LinkIdentity self = Pair::SenderIdentity();
    self.in_process = in_process;
    LinkSender sender(self, wire::REASSEMBLER_INPUT, /*dials=*/true, &log);
    LinkReceiver receiver({wire::REASSEMBLER_INPUT, "receiver", 100}, wire::CAPTURE,
                          /*dials=*/false, 1 << 20);
    int64_t now_ns = 1;
    for (int i = 0; i < 4; ++i) {
      wire::LinkMessage message;
      ByteView blob;
      while (const auto out = sender.NextToSend(now_ns)) {
        ASSERT_TRUE(DecodeLinkMessage(out->bytes(), &message, &blob).ok());
        receiver.Receive(message, out->size(), now_ns);
      }
      while (const auto out = receiver.NextToSend(now_ns)) {
        ASSERT_TRUE(DecodeLinkMessage(out->bytes(), &message, &blob).ok());
        sender.Receive(message, now_ns);
      }
    }
    ASSERT_EQ(sender.state(), LinkState::kOpen);
    now_ns += 100 * kPeerTimeoutNs;
    sender.NextToSend(now_ns);
    EXPECT_EQ(sender.state(), in_process ? LinkState::kOpen : LinkState::kLost);
  }
}

TEST(NameClaim, AHolderThatSpeaksKeepsItsName) {
  const int64_t s = kNsPerSecond;
  EXPECT_EQ(DecideNameClaim(10 * s, 10 * s, 11 * s), NameClaim::kWait);
  EXPECT_EQ(DecideNameClaim(10 * s, 10 * s, 14 * s), NameClaim::kGrant);
  EXPECT_EQ(DecideNameClaim(12 * s, 10 * s, 13 * s), NameClaim::kRefuse);
}

// A heartbeat must not promise more than what it stands behind.
TEST(Link, AWatermarkIsToldOnlyBehindEverythingOlder) {
  Pair pair(1, {}, true, 3 * kMessageBytes);
  while (pair.sender->state() != LinkState::kOpen) pair.Step();
  pair.sender->set_watermark_ns(5);
  for (int i = 0; i < 50; ++i) pair.Step();
  EXPECT_EQ(pair.receiver->heartbeat_watermark_ns(), 5) << "soon, nothing else is said";
  // The window closes before all is sent.
  for (uint64_t s = 1; s <= 10; ++s) pair.log.Append(Numbered(s));
  pair.sender->set_watermark_ns(7);
  pair.finish_at_once = false;
  for (int i = 0; i < 3000; ++i) pair.Step();
  ASSERT_LT(pair.taken.size(), 10u);
  EXPECT_EQ(pair.receiver->heartbeat_watermark_ns(), 5);
  pair.finish_at_once = true;
  for (const uint64_t s : pair.taken) pair.Finish(s);
  for (int i = 0; i < 3000; ++i) pair.Step();
  EXPECT_EQ(pair.receiver->heartbeat_watermark_ns(), 7);
}

// Whoever wants to end does so when the other one knows that all was finished, however many last
// words are lost.
TEST(Link, BothEndsComeToAnEnd) {
  for (uint64_t seed = 1; seed <= 300; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    NetworkFaults faults;
    faults.loss = static_cast<double>(seed % 5) * 0.15;
    Pair pair(seed, faults, seed % 2 == 0);
    for (uint64_t s = 1; s <= 5; ++s) pair.log.Append(Numbered(s));
    pair.log.Close();
    int step = 0;
    while (pair.taken.size() < 5) {
      ASSERT_LT(++step, 600'000);
      pair.Step();
    }
    // The sender ends as soon as it knows; the receiver is told, or notices the silence.
    while (pair.sender->acknowledged() < 5) {
      ASSERT_LT(++step, 600'000);
      const int64_t silent_ns = pair.now_ns - pair.receiver->last_heard_ns();
      ASSERT_EQ(pair.receiver->MayGo(pair.now_ns), silent_ns > kPeerTimeoutNs);
      pair.Step();
    }
    pair.connected = false;
    while (!pair.receiver->MayGo(pair.now_ns)) {
      ASSERT_LT(++step, 600'000);
      pair.Step();
    }
  }
}

TEST(Link, AReceiverThatWantsToEndIsDismissedAtOnce) {
  Pair pair(1, {}, true);
  for (uint64_t s = 1; s <= 5; ++s) pair.log.Append(Numbered(s));
  pair.log.Close();
  int steps = 0;
  while (!pair.receiver->MayGo(pair.now_ns) || pair.sender->acknowledged() < 5) {
    ASSERT_LT(++steps, 200) << "a few round trips";
    pair.Step();
  }
}

}  // namespace
}  // namespace flowstitch
