// What is found in a message before it is parsed, and what is refused for it.
#include "transport/link/message_outline.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <random>
#include <string>

#include "proto/link.pb.h"
#include "transport/link/blob_message.h"
#include "transport/link/delivery.h"
#include "transport/link/link_limits.h"

namespace flowstitch {
namespace {

using ::testing::HasSubstr;

// A length-delimited field, as protobuf writes it.
std::string Field(int number, const std::string& value) {
  std::string text;
  for (uint64_t tag = static_cast<uint64_t>(number) << 3 | 2, i = 0; i < 2; ++i) {
    uint64_t rest = i == 0 ? tag : value.size();
    for (; rest > 127; rest >>= 7) text += static_cast<char>(rest | 128);
    text += static_cast<char>(rest);
  }
  return text + value;
}

std::string Repeat(const std::string& part, size_t times) {
  std::string text;
  for (size_t i = 0; i < times; ++i) text += part;
  return text;
}

TEST(MessageOutline, FindsABatchAndItsBlob) {
  wire::LinkMessage message;
  message.set_sequence(7);
  message.mutable_streams()->set_reassembler_epoch(9);
  message.mutable_streams()->add_events()->mutable_bytes()->set_length(3);
  const std::string fields = message.streams().SerializeAsString();
  message.mutable_streams()->set_payload("abc");
  const std::string bytes = message.SerializeAsString();
  const auto outline = ReadOutline(AsBytes(bytes));
  ASSERT_TRUE(outline.ok());
  EXPECT_EQ(outline->sequence, 7u);
  EXPECT_EQ(outline->body, wire::LinkMessage::kStreamsFieldNumber);
  ASSERT_TRUE(outline->blob_is_last);
  EXPECT_EQ(AsText(outline->blob), "abc");
  EXPECT_EQ(AsText(outline->batch_fields), fields);
}

// Each would cost gigabytes, or many seconds, once it is parsed.
TEST(MessageOutline, WhatGrowsWhenItIsParsedIsRefusedBefore) {
  constexpr size_t kMany = 31 << 20;
  const std::string empties = Repeat(Field(1, ""), 1000);
  struct Case {
    const char* what;
    std::string bytes;
    const char* why;
  };
  const Case cases[] = {
      {"events", Field(15, Repeat(Field(4, ""), kMany / 16)), "fields of a batch"},
      {"secrets", Field(14, Repeat(Field(11, ""), kMany / 16)), "fields of a batch"},
      {"sources of an End", Field(7, Field(4, Repeat(Field(1, ""), 1 << 18))), "fields of an End"},
      {"sources of many ledgers", Field(7, Repeat(Field(4, Repeat(Field(1, ""), 100'000)), 8)),
       "fields of an End"},
      {"many Ends", Repeat(Field(7, Field(4, Repeat(Field(1, ""), 1000))), 8), "LinkMessage"},
      {"batches with a Hello between", Field(14, empties) + Field(2, "") + Field(14, empties),
       "LinkMessage"},
      {"tunnels of one event", Field(15, Field(4, Field(1, Repeat(Field(15, ""), 1 << 20)))),
       "bytes of a batch"},
      {"memories of a Hello", Field(2, Field(13, std::string(1 << 20, '\0'))), "is no batch"},
      {"text of a Refusal", Field(3, Field(2, std::string(1 << 20, 'x'))), "is no batch"},
      {"a blob that is not last", Field(15, Field(15, std::string(2 << 20, 'x')) + Field(5, "")),
       "bytes of a batch"},
      {"unknown fields", Repeat(Field(100, "abcdefgh"), 1000), "is no batch"},
      {"two batches", Field(15, empties) + Field(15, empties), "LinkMessage"},
      {"groups", Repeat("\xa3\x06", 100'000), "LinkMessage"},
      {"a length beyond the end", std::string("\x7a\xff\xff\xff\x07 abc"), "LinkMessage"},
      {"a length of 2^63", std::string("\x7a\xff\xff\xff\xff\xff\xff\xff\xff\x7f abc"),
       "LinkMessage"},
  };
  for (const Case& c : cases) {
    const auto outline = ReadOutline(AsBytes(c.bytes));
    ASSERT_FALSE(outline.ok()) << c.what;
    EXPECT_THAT(std::string(outline.status().message()), HasSubstr(c.why)) << c.what;
    wire::LinkMessage message;
    ByteView blob;
    EXPECT_FALSE(DecodeLinkMessage(AsBytes(c.bytes), &message, &blob).ok()) << c.what;
  }
}

// Within the limits of counts and bytes, a message may still be made to take much when parsed.
TEST(MessageOutline, AMessageThatTakesManyTimesItsSizeIsOfNoUse) {
  const std::string bytes = Field(15, Repeat(Field(4, Field(5, "")), 1 << 16));
  ASSERT_TRUE(ReadOutline(AsBytes(bytes)).ok());
  const Delivery delivery(zmq::message_t(bytes.data(), bytes.size()));
  ASSERT_FALSE(delivery.status().ok());
  EXPECT_THAT(std::string(delivery.status().message()), HasSubstr("many times its size"));
}

TEST(MessageOutline, LargeBlobsAndSecretsAreLetIn) {
  wire::LinkMessage message;
  message.set_sequence(1);
  message.mutable_packets()->add_tls_secrets(std::string(10 << 20, 's'));
  message.mutable_packets()->set_frames(std::string(20 << 20, 'f'));
  std::string bytes = message.SerializeAsString();
  const Delivery large(zmq::message_t(bytes.data(), bytes.size()));
  ASSERT_TRUE(large.status().ok()) << large.status();
  EXPECT_EQ(large.blob().size(), size_t{20} << 20);
  EXPECT_EQ(large.message().packets().tls_secrets(0).size(), size_t{10} << 20);
  // Events as small as they ever are.
  wire::LinkMessage small;
  small.set_sequence(1);
  for (int i = 0; i < 10'000; ++i) {
    wire::StreamBytes* event = small.mutable_streams()->add_events()->mutable_bytes();
    event->set_flow(static_cast<uint64_t>(i) << 8);
    event->set_time_ns(1);
  }
  bytes = small.SerializeAsString();
  EXPECT_TRUE(Delivery(zmq::message_t(bytes.data(), bytes.size())).status().ok());
}

// Whatever the bytes are: what is read through the outline is what protobuf reads.
TEST(MessageOutline, AgreesWithProtobufOnRandomMessages) {
  std::mt19937_64 random(1);
  for (int round = 0; round < 2000; ++round) {
    SCOPED_TRACE("seed 1, round " + std::to_string(round));
    wire::LinkMessage message;
    if (random() % 8 != 0) message.set_sequence(random() >> random() % 64);
    const std::string blob(random() % 40, 'b');
    if (random() % 2 == 0) {
      message.mutable_packets()->set_source("s");
      for (uint64_t i = random() % 5; i > 0; --i) message.mutable_packets()->add_captured_length(4);
      if (random() % 4 != 0) message.mutable_packets()->set_frames(blob);
    } else {
      message.mutable_streams()->set_shard(3);
      for (uint64_t i = random() % 5; i > 0; --i) {
        message.mutable_streams()->add_events()->mutable_gap()->set_length(random());
      }
      if (random() % 4 != 0) message.mutable_streams()->set_payload(blob);
    }
    const std::string bytes = message.SerializeAsString();
    wire::LinkMessage read;
    ByteView read_blob;
    ASSERT_TRUE(DecodeLinkMessage(AsBytes(bytes), &read, &read_blob).ok());
    EXPECT_EQ(AsText(read_blob),
              message.has_packets() ? message.packets().frames() : message.streams().payload());
    message.mutable_packets();
    if (read.has_packets()) read.mutable_packets()->set_frames(std::string(AsText(read_blob)));
    if (read.has_streams()) read.mutable_streams()->set_payload(std::string(AsText(read_blob)));
    wire::LinkMessage wanted;
    ASSERT_TRUE(wanted.ParseFromString(bytes));
    EXPECT_EQ(read.SerializeAsString(), wanted.SerializeAsString());
  }
}

}  // namespace
}  // namespace flowstitch
