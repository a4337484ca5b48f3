// A peer that says what cannot be: every number of every message, in every state of a link.
#include <gmock/gmock.h>
#include <google/protobuf/message.h>
#include <gtest/gtest.h>

#include <functional>
#include <string>
#include <vector>

#include "transport/link/blob_message.h"
#include "transport/link/link_contract.h"
#include "transport/link/link_limits.h"
#include "transport/link/link_receiver.h"
#include "transport/link/link_sender.h"

namespace flowstitch {
namespace {

using google::protobuf::FieldDescriptor;
using google::protobuf::Message;
using google::protobuf::Reflection;
using ::testing::HasSubstr;

constexpr uint64_t kHostile[] = {0, 1, uint64_t{1} << 63, UINT64_MAX - 1, UINT64_MAX};
constexpr uint64_t kWindow = 1 << 20;

// One number of a message: what it is called, and how it is set.
struct Number {
  std::string path;
  bool counts = false;  // by its type; others are 32 bits wide, times, or random
  std::function<void(wire::LinkMessage*, uint64_t)> set;
};

using Reach = std::function<Message*(wire::LinkMessage*)>;

void SetNumber(Message* message, const FieldDescriptor* field, uint64_t value) {
  const Reflection& r = *message->GetReflection();
  const auto narrow = static_cast<uint32_t>(value);
  switch (field->cpp_type()) {
    case FieldDescriptor::CPPTYPE_UINT64:
      field->is_repeated() ? r.AddUInt64(message, field, value)
                           : r.SetUInt64(message, field, value);
      break;
    case FieldDescriptor::CPPTYPE_INT64:
      field->is_repeated() ? r.AddInt64(message, field, static_cast<int64_t>(value))
                           : r.SetInt64(message, field, static_cast<int64_t>(value));
      break;
    case FieldDescriptor::CPPTYPE_UINT32:
      field->is_repeated() ? r.AddUInt32(message, field, narrow)
                           : r.SetUInt32(message, field, narrow);
      break;
    default:
      break;
  }
}

// All numbers below `type`, messages inside of it included.
void FindNumbers(const google::protobuf::Descriptor* type, const std::string& path,
                 const Reach& reach, std::vector<Number>* numbers) {
  for (int i = 0; i < type->field_count(); ++i) {
    const FieldDescriptor* field = type->field(i);
    const std::string name = path + "." + field->name();
    if (field->message_type() != nullptr) {
      const Reach inner = [reach, field](wire::LinkMessage* m) {
        Message* outer = reach(m);
        const Reflection& r = *outer->GetReflection();
        if (!field->is_repeated()) return r.MutableMessage(outer, field);
        return r.FieldSize(*outer, field) == 0 ? r.AddMessage(outer, field)
                                               : r.MutableRepeatedMessage(outer, field, 0);
      };
      FindNumbers(field->message_type(), name, inner, numbers);
    } else if (field->cpp_type() == FieldDescriptor::CPPTYPE_UINT64 ||
               field->cpp_type() == FieldDescriptor::CPPTYPE_INT64 ||
               field->cpp_type() == FieldDescriptor::CPPTYPE_UINT32) {
      const bool counts = field->type() == FieldDescriptor::TYPE_UINT64;
      numbers->push_back({name, counts, [reach, field](wire::LinkMessage* m, uint64_t value) {
                            SetNumber(reach(m), field, value);
                          }});
    }
  }
}

std::vector<Number> AllNumbers() {
  std::vector<Number> numbers;
  FindNumbers(
      wire::LinkMessage::descriptor(), "", [](wire::LinkMessage* m) { return m; }, &numbers);
  return numbers;
}

// A Hello is only looked at when it says who it is.
void Complete(wire::LinkMessage* message, wire::Role role) {
  if (!message->has_hello()) return;
  wire::Hello* hello = message->mutable_hello();
  hello->set_magic(kLinkMagic);
  if (hello->version_min() == 0) hello->set_version_min(kLinkVersionMin);
  if (hello->version_max() == 0) hello->set_version_max(kLinkVersionMax);
  hello->set_role(role);
  hello->set_name("liar");
  if (hello->epoch() == 0) hello->set_epoch(3);
}

wire::LinkMessage HelloOf(wire::Role role, uint64_t window = kWindow) {
  wire::LinkMessage hello;
  FillHello({role, "liar", 3}, hello.mutable_hello());
  hello.mutable_hello()->set_window_bytes(window);
  return hello;
}

wire::LinkMessage Ack(uint64_t received, uint64_t acknowledged, bool resend = false) {
  wire::LinkMessage message;
  message.mutable_acknowledgement()->set_received_sequence(received);
  message.mutable_acknowledgement()->set_acknowledged_sequence(acknowledged);
  message.mutable_acknowledgement()->set_window_bytes(kWindow);
  message.mutable_acknowledgement()->set_resend(resend);
  return message;
}

WireMessage Batch(uint64_t sequence, size_t bytes = 100) {
  BlobBuffer buffer(64, bytes);
  buffer.Append(AsBytes(std::string(bytes, 'b')));
  return buffer.Finish(sequence, wire::LinkMessage::kStreamsFieldNumber, wire::StreamBatch(),
                       nullptr);
}

wire::LinkMessage PacketsNumbered(uint64_t sequence) {
  wire::LinkMessage message;
  message.set_sequence(sequence);
  message.mutable_packets();
  return message;
}

// A sender with four batches in its log, brought to one of its states.
struct SenderRig {
  explicit SenderRig(int state, bool dials)
      : log(1 << 16), link({wire::REASSEMBLER_OUTPUT, "s", 1}, wire::SINK, dials, &log) {
    for (uint64_t s = 1; s <= 4; ++s) log.Append(Batch(s));
    if (state >= 1) link.Receive(HelloOf(wire::SINK, state == 1 ? 0 : kWindow), ++now);
    if (state >= 2) Drain();
    if (state >= 3) link.Receive(Ack(4, 2), ++now);
    if (state >= 3) log.ForgetThrough(link.acknowledged());
    if (state >= 4) {
      link.Receive(Ack(4, 4), ++now);
      log.ForgetThrough(link.acknowledged());
      log.Close();
    }
    if (state >= 5) now += 2 * kPeerTimeoutNs;
    if (state >= 6) link.Contradicts("it was refused before");
    Drain();
  }
  static constexpr int kStates = 7;
  int Drain() {
    int sent = 0;
    while (link.NextToSend(now)) {
      EXPECT_LT(++sent, 100) << "a link does not talk for ever";
      if (sent >= 100) break;
    }
    return sent;
  }
  SendLog log;
  LinkSender link;
  int64_t now = 1;
};

TEST(HostilePeer, EveryNumberOfEveryMessageInEveryStateOfASender) {
  int cases = 0;
  for (const Number& number : AllNumbers()) {
    for (const uint64_t value : kHostile) {
      for (int state = 0; state < SenderRig::kStates; ++state) {
        SCOPED_TRACE(number.path + " = " + std::to_string(value) + ", state " +
                     std::to_string(state));
        SenderRig rig(state, state % 2 == 0);
        for (const bool resend : {false, true}) {
          wire::LinkMessage message;
          if (resend) message = Ack(0, 0, true);
          number.set(&message, value);
          Complete(&message, wire::SINK);
          rig.now += kResendIntervalNs;
          rig.link.Receive(message, rig.now);
          rig.Drain();
          ASSERT_LE(rig.link.acknowledged(), rig.log.last_sequence());
          ASSERT_LE(rig.link.unacknowledged_bytes(), size_t{4} * 300);
          ASSERT_LE(rig.link.credit_bytes(), std::max<uint64_t>(kWindow, value));
          ASSERT_EQ(rig.link.state() == LinkState::kRefused, !rig.link.refusal().empty());
          ++cases;
        }
        // Whoever shares the log gets what is his.
        LinkSender other({wire::REASSEMBLER_OUTPUT, "s", 1}, wire::SINK, false, &rig.log);
        other.Receive(HelloOf(wire::SINK), 1);
        int batches = -1;  // the Hello
        while (other.NextToSend(1)) ++batches;
        ASSERT_EQ(batches, static_cast<int>(rig.log.next_sequence() - rig.log.first_sequence()));
      }
    }
  }
  EXPECT_GT(cases, 5000);
}

// A receiver that has taken four batches, brought to one of its states.
struct ReceiverRig {
  explicit ReceiverRig(int state, bool dials)
      : link({wire::REASSEMBLER_INPUT, "r", 2}, wire::CAPTURE, dials, kWindow) {
    if (state >= 1) link.Receive(HelloOf(wire::CAPTURE), 100, ++now);
    for (uint64_t s = 1; s <= 4 && state >= 2; ++s) link.Receive(PacketsNumbered(s), 100, ++now);
    if (state >= 3) link.Finish(0, 2, 100);
    if (state >= 4) now += 2 * kPeerTimeoutNs;
    if (state >= 5) link.Contradicts("it was refused before");
    Drain();
  }
  static constexpr int kStates = 6;
  void Drain() {
    int sent = 0;
    while (link.NextToSend(now)) {
      ASSERT_LT(++sent, 100) << "a link does not talk for ever";
    }
  }
  LinkReceiver link;
  int64_t now = 1;
};

TEST(HostilePeer, EveryNumberOfEveryMessageInEveryStateOfAReceiver) {
  int cases = 0;
  for (const Number& number : AllNumbers()) {
    for (const uint64_t value : kHostile) {
      for (int state = 0; state < ReceiverRig::kStates; ++state) {
        SCOPED_TRACE(number.path + " = " + std::to_string(value) + ", state " +
                     std::to_string(state));
        ReceiverRig rig(state, state % 2 == 0);
        for (const uint64_t sequence : {uint64_t{0}, rig.link.received() + 1}) {
          wire::LinkMessage message;
          message.set_sequence(sequence);
          number.set(&message, value);
          Complete(&message, wire::CAPTURE);
          rig.link.Receive(message, 100, ++rig.now);
          rig.Drain();
          ASSERT_LE(rig.link.finished(), rig.link.received());
          ASSERT_LE(rig.link.received(), kMaxCount);
          ASSERT_LE(rig.link.missed(), kMaxCount);
          ASSERT_LE(rig.link.frames_before(), kMaxCount);
          ASSERT_LE(rig.link.unfinished_bytes(), kWindow);
          ASSERT_EQ(rig.link.state() == LinkState::kRefused, !rig.link.refusal().empty());
          ++cases;
        }
      }
    }
  }
  EXPECT_GT(cases, 5000);
}

// Whatever is counted, in whichever message, nothing can have counted to 2^63.
TEST(HostilePeer, ImpossibleCountsAreContradictions) {
  // What is checked elsewhere: a place in shared memory; what a batch of streams says event by
  // event, which sinks look at; a window, which may be as wide as the peer likes.
  const std::vector<std::string> others = {"window_bytes", ".shared_", ".streams.events",
                                           ".topic_sequence"};
  int counts = 0;
  for (const Number& number : AllNumbers()) {
    wire::LinkMessage message;
    message.set_sequence(1);
    number.set(&message, uint64_t{1} << 63);
    if (message.has_hello() || message.has_acknowledgement() || message.has_heartbeat()) {
      message.set_sequence(0);
    }
    const auto named = [&](const std::string& part) {
      return number.path.find(part) != std::string::npos;
    };
    if (!number.counts || std::any_of(others.begin(), others.end(), named)) continue;
    const wire::Role role = message.has_streams() ? wire::REASSEMBLER_OUTPUT : wire::CAPTURE;
    EXPECT_NE(FindContradiction(message, role), "") << number.path;
    ++counts;
  }
  EXPECT_GT(counts, 100);
}

TEST(HostilePeer, AnAcknowledgementOfWhatWasNeverSentIsRefusedWithAReason) {
  SenderRig rig(2, false);
  rig.link.Receive(Ack(5, 0, true), rig.now);
  EXPECT_EQ(rig.link.state(), LinkState::kRefused);
  EXPECT_THAT(rig.link.refusal(),
              HasSubstr("'liar' contradicts the link protocol: it has received message 5, but 4"));
  wire::LinkMessage told;
  ByteView blob;
  ASSERT_TRUE(DecodeLinkMessage(rig.link.NextToSend(rig.now)->bytes(), &told, &blob).ok());
  EXPECT_EQ(told.refusal().reason(), wire::Refusal::CONTRADICTION);
  EXPECT_FALSE(rig.link.NextToSend(rig.now).has_value());
}

TEST(HostilePeer, ASourceThatSendsMoreThanItsWindowIsRefused) {
  LinkReceiver link({wire::REASSEMBLER_INPUT, "r", 2}, wire::CAPTURE, false, kWindow);
  link.Receive(HelloOf(wire::CAPTURE), 100, 1);
  uint64_t sequence = 0;
  while (link.state() == LinkState::kOpen && sequence < 1000) {
    link.Receive(PacketsNumbered(++sequence), 10'000, 2);
    ASSERT_LE(link.unfinished_bytes(), kWindow + kWindow / 8 + (64 << 10));
  }
  EXPECT_EQ(link.state(), LinkState::kRefused);
  EXPECT_THAT(link.refusal(), HasSubstr("more than its window"));
  EXPECT_GE(link.unfinished_bytes(), kWindow) << "not a byte less than what was granted";
}

TEST(HostilePeer, HellosAreNotAnsweredEndlessly) {
  LinkReceiver receiver({wire::REASSEMBLER_INPUT, "r", 2}, wire::CAPTURE, false, kWindow);
  SenderRig sender(0, false);
  int answers = 0;
  for (int i = 0; i < 10'000; ++i) {
    receiver.Receive(HelloOf(wire::CAPTURE), 100, 1 + i);
    sender.link.Receive(HelloOf(wire::SINK, 0), 1 + i);
  }
  while (receiver.NextToSend(20'000)) ++answers;
  while (sender.link.NextToSend(20'000)) ++answers;
  EXPECT_LT(answers, 10);
}

TEST(HostilePeer, NamesAndReasonsCannotSteerATerminal) {
  wire::Hello hello;
  FillHello({wire::SINK, "a\x1b[2J", 2}, &hello);
  EXPECT_TRUE(CheckHello(hello, {wire::REASSEMBLER_OUTPUT, "r", 1}, wire::SINK).has_value());
  hello.set_version_min(99);
  EXPECT_THAT(CheckHello(hello, {wire::REASSEMBLER_OUTPUT, "r", 1}, wire::SINK)->text(),
              ::testing::Not(HasSubstr("\x1b")));
  SenderRig rig(2, false);
  wire::LinkMessage no;
  no.mutable_refusal()->set_text("no\x1b]0;x\x07\n");
  rig.link.Receive(no, rig.now);
  EXPECT_EQ(rig.link.refusal(), "no?]0;x??");
}

}  // namespace
}  // namespace flowstitch
