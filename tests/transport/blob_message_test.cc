// Batches written in two parts are ordinary protobuf messages, and ordinary ones are read without a
// copy.
#include "transport/link/blob_message.h"

#include <google/protobuf/stubs/logging.h>
#include <gtest/gtest.h>

#include <random>
#include <string>

#include "base/utf8_text.h"

namespace flowstitch {
namespace {

wire::PacketBatch Fields(int frames) {
  wire::PacketBatch batch;
  batch.set_source("sensor");
  batch.set_source_epoch(42);
  for (int i = 0; i < frames; ++i) {
    batch.add_capture_time_ns(1'000 + i);
    batch.add_captured_length(10);
    batch.add_wire_length(20);
  }
  return batch;
}

TEST(BlobMessage, IsOneOrdinaryMessageForAnyReader) {
  std::mt19937 random(1);
  for (unsigned round = 0; round < 200; ++round) {
    const int frames = static_cast<int>(random() % 300);
    std::string blob(random() % 5000, '\0');
    for (char& c : blob) c = static_cast<char>(random());
    // A headroom that is sometimes too small.
    BlobBuffer buffer(random() % 6000, 16);
    buffer.Append(AsBytes(blob));
    WireMessage batch;
    const WireMessage message = buffer.Finish(round * 1000u, wire::LinkMessage::kPacketsFieldNumber,
                                              Fields(frames), &batch);

    wire::LinkMessage ordinary;
    ASSERT_TRUE(ordinary.ParseFromString(std::string(AsText(message.bytes()))));
    EXPECT_EQ(ordinary.sequence(), round * 1000u);
    EXPECT_EQ(ordinary.packets().frames(), blob);
    EXPECT_EQ(ordinary.packets().capture_time_ns_size(), frames);
    wire::PacketBatch alone;
    ASSERT_TRUE(alone.ParseFromString(std::string(AsText(batch.bytes()))));
    EXPECT_EQ(alone.frames(), blob);
    EXPECT_TRUE(buffer.empty());
  }
}

TEST(BlobMessage, IsReadInPlace) {
  BlobBuffer buffer(1024, 1024);
  buffer.Append(AsBytes("payload"));
  const WireMessage message =
      buffer.Finish(7, wire::LinkMessage::kStreamsFieldNumber, wire::StreamBatch(), nullptr);
  wire::LinkMessage decoded;
  ByteView blob;
  ASSERT_TRUE(DecodeLinkMessage(message.bytes(), &decoded, &blob).ok());
  EXPECT_EQ(AsText(blob), "payload");
  EXPECT_EQ(blob.data() + blob.size(), message.bytes().data() + message.size());
  EXPECT_TRUE(decoded.streams().payload().empty());
  EXPECT_EQ(decoded.sequence(), 7u);
}

TEST(BlobMessage, AForeignWritersOrderIsReadToo) {
  // The blob before other fields, and the batch before the sequence number.
  wire::PacketBatch front;
  front.set_frames("0123456789");
  const std::string batch = front.SerializeAsString() + Fields(1).SerializeAsString();
  wire::LinkMessage shell;
  shell.set_sequence(9);
  std::string bytes;
  bytes += static_cast<char>((wire::LinkMessage::kPacketsFieldNumber << 3) | 2);
  bytes += static_cast<char>(batch.size());
  bytes += batch + shell.SerializeAsString();
  wire::LinkMessage decoded;
  ByteView blob;
  ASSERT_TRUE(DecodeLinkMessage(AsBytes(bytes), &decoded, &blob).ok());
  EXPECT_EQ(decoded.sequence(), 9u);
  EXPECT_EQ(AsText(blob), "0123456789");
  EXPECT_EQ(decoded.packets().source(), "sensor");
}

TEST(BlobMessage, CutAnywhereItIsAnErrorOrAnotherMessageButNeverReadBeyond) {
  BlobBuffer buffer(1024, 1024);
  buffer.Append(AsBytes("some payload"));
  const WireMessage message =
      buffer.Finish(3, wire::LinkMessage::kPacketsFieldNumber, Fields(4), nullptr);
  for (size_t cut = 0; cut < message.size(); ++cut) {
    const std::string part(AsText(message.bytes().first(cut)));
    wire::LinkMessage decoded;
    ByteView blob;
    if (!DecodeLinkMessage(AsBytes(part), &decoded, &blob).ok()) continue;
    EXPECT_FALSE(decoded.has_packets()) << cut;
  }
}

TEST(Utf8Text, IsWhatProtobufAccepts) {
  google::protobuf::SetLogHandler(nullptr);
  std::mt19937 random(2);
  for (int round = 0; round < 20'000; ++round) {
    std::string text(random() % 12, '\0');
    // Bytes at the borders of RFC 3629's table come often.
    static constexpr char kBorders[] =
        "\x00\x7f\x80\x8f\x90\x9f\xa0\xbf\xc1\xc2\xdf\xe0\xed\xef\xf0\xf4\xf5\xff";
    for (char& c : text) c = kBorders[random() % (sizeof(kBorders) - 1)];
    wire::Refusal refusal;
    refusal.set_text(ToUtf8(text));
    wire::Refusal parsed;
    ASSERT_TRUE(parsed.ParseFromString(refusal.SerializeAsString())) << round;
    ASSERT_EQ(ToUtf8(refusal.text()), refusal.text());
    refusal.set_text(text);
    const bool valid = parsed.ParseFromString(refusal.SerializeAsString());
    ASSERT_EQ(ToUtf8(text) == text, valid) << round;
  }
}

}  // namespace
}  // namespace flowstitch
