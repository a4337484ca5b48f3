// Records and handshake messages, cut out of a stream that comes in any pieces.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <random>
#include <string>
#include <vector>

#include "sinks/content/tls/message_buffer.h"
#include "sinks/content/tls/record_buffer.h"

namespace flowstitch {
namespace {

std::string Record(uint8_t type, std::string_view body) {
  std::string bytes = {static_cast<char>(type), 3, 3, static_cast<char>(body.size() >> 8),
                       static_cast<char>(body.size() & 255)};
  return bytes + std::string(body);
}

std::string RandomBytes(std::mt19937_64& random, size_t size) {
  std::string bytes(size, '\0');
  for (char& c : bytes) c = static_cast<char>(random());
  return bytes;
}

TEST(RecordBuffer, GivesEachRecordOnceHoweverTheStreamIsCut) {
  for (uint64_t seed = 0; seed < 300; ++seed) {
    std::mt19937_64 random(seed);
    std::vector<std::string> bodies;
    std::string stream;
    for (size_t i = 0; i < 20; ++i) {
      bodies.push_back(RandomBytes(random, random() % 9000));
      stream += Record(static_cast<uint8_t>(20 + i % 5), bodies.back());
    }
    RecordBuffer buffer;
    size_t next = 0;
    for (size_t at = 0; at < stream.size();) {
      const size_t n = std::min<size_t>(stream.size() - at, 1 + random() % 5000);
      buffer.Append(AsBytes(stream).subspan(at, n));
      at += n;
      TlsRecord record;
      while (buffer.Peek(&record) == RecordBuffer::Next::kRecord) {
        ASSERT_LT(next, bodies.size());
        EXPECT_EQ(AsText(record.body), bodies[next]) << "seed " << seed;
        EXPECT_EQ(record.type, 20 + next % 5);
        EXPECT_FALSE(record.lost);
        buffer.Take(record);
        ++next;
      }
      EXPECT_EQ(buffer.position() + buffer.waiting(), at);
    }
    EXPECT_EQ(next, bodies.size());
    EXPECT_EQ(buffer.waiting(), 0u);
  }
}

TEST(RecordBuffer, ALossInsideOfABodyIsToldAndOneInAHeaderEndsIt) {
  const std::string stream =
      Record(kApplicationData, std::string(100, 'a')) + Record(kApplicationData, "bbb");
  for (size_t lost = 0; lost + 10 <= stream.size(); ++lost) {
    RecordBuffer buffer;
    buffer.Append(AsBytes(stream).first(lost));
    ASSERT_TRUE(buffer.AppendLost(10));
    buffer.Append(AsBytes(stream).subspan(lost + 10));
    std::vector<bool> records;
    TlsRecord record;
    RecordBuffer::Next end = RecordBuffer::Next::kRecord;
    while ((end = buffer.Peek(&record)) == RecordBuffer::Next::kRecord) {
      records.push_back(record.lost);
      buffer.Take(record);
    }
    // The header of the second stands at 105 to 109.
    const bool first_header = lost < 5;
    const bool in_first = !first_header && lost < 105;
    const bool second_header = lost + 10 > 105 && lost < 110;
    EXPECT_EQ(end == RecordBuffer::Next::kLost, first_header || second_header) << lost;
    EXPECT_EQ(records.size(), first_header ? 0u : second_header ? 1u : 2u) << lost;
    if (!records.empty()) {
      EXPECT_EQ(records[0], in_first) << lost;
    }
  }
}

TEST(RecordBuffer, WhatIsNoRecordAndWhatIsTooLong) {
  RecordBuffer buffer;
  buffer.Append(AsBytes(std::string_view("GET / HTTP/1.1")));
  TlsRecord record;
  EXPECT_EQ(buffer.Peek(&record), RecordBuffer::Next::kNotTls);
  EXPECT_FALSE(buffer.AppendLost(RecordBuffer::kMaxRecordBytes + 1));
  RecordBuffer longest;
  longest.Append(
      AsBytes(Record(kApplicationData, std::string(RecordBuffer::kMaxRecordBytes, 'x'))));
  EXPECT_EQ(longest.Peek(&record), RecordBuffer::Next::kRecord);
  RecordBuffer longer;
  longer.Append(
      AsBytes(Record(kApplicationData, std::string(RecordBuffer::kMaxRecordBytes + 1, 'x'))));
  EXPECT_EQ(longer.Peek(&record), RecordBuffer::Next::kNotTls);
}

std::string Message(uint8_t type, std::string_view body) {
  std::string bytes = {static_cast<char>(type), static_cast<char>(body.size() >> 16),
                       static_cast<char>(body.size() >> 8 & 255),
                       static_cast<char>(body.size() & 255)};
  return bytes + std::string(body);
}

TEST(MessageBuffer, GivesEachMessageOnceHoweverRecordsCutIt) {
  for (uint64_t seed = 0; seed < 300; ++seed) {
    std::mt19937_64 random(seed);
    std::vector<std::string> wanted;
    std::string stream;
    for (size_t i = 0; i < 20; ++i) {
      wanted.push_back(Message(static_cast<uint8_t>(i), RandomBytes(random, random() % 2000)));
      stream += wanted.back();
    }
    MessageBuffer buffer;
    std::vector<std::string> given;
    for (size_t at = 0; at < stream.size();) {
      const size_t n = std::min<size_t>(stream.size() - at, 1 + random() % 3000);
      EXPECT_TRUE(buffer.Feed(AsBytes(stream).subspan(at, n), [&](const TlsMessage& message) {
        EXPECT_EQ(message.type, given.size());
        EXPECT_EQ(message.whole.size(), message.body.size() + 4);
        given.emplace_back(AsText(message.whole));
        return true;
      }));
      at += n;
    }
    EXPECT_EQ(given, wanted) << "seed " << seed;
  }
}

TEST(MessageBuffer, StopsWhereItIsToldAndAtOneThatIsTooLarge) {
  MessageBuffer buffer;
  int given = 0;
  const std::string two = Message(1, "a") + Message(2, "b");
  EXPECT_TRUE(buffer.Feed(AsBytes(two), [&](const TlsMessage&) { return ++given < 1; }));
  EXPECT_EQ(given, 1);
  const std::string large = Message(3, std::string(MessageBuffer::kMaxMessageBytes + 1, 'x'));
  EXPECT_FALSE(buffer.Feed(AsBytes(large).first(4), [](const TlsMessage&) { return true; }));
}

}  // namespace
}  // namespace flowstitch
