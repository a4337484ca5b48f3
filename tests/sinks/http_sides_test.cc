// The small machines of a side of HttpParser, each alone.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <random>
#include <string>

#include "sinks/content/http/fed_bytes.h"
#include "sinks/content/http/held_bytes.h"
#include "sinks/content/http/http_body.h"
#include "sinks/content/http/http_head.h"
#include "sinks/content/http/line_ends.h"

namespace flowstitch {
namespace {

std::string RandomText(std::mt19937_64& random, std::string_view letters, size_t size) {
  std::string text;
  for (size_t i = 0; i < size; ++i) text += letters[random() % letters.size()];
  return text;
}

TEST(LineEnds, ABlankLineIsFoundWhereverItIsCut) {
  for (uint64_t seed = 0; seed < 3000; ++seed) {
    std::mt19937_64 random(seed);
    const std::string text = RandomText(random, "\r\nab", 1 + random() % 20);
    LineEnds ends;
    size_t found = 0;
    for (size_t at = 0; at < text.size() && found == 0;) {
      const size_t n = 1 + random() % (text.size() - at);
      const std::string_view piece = std::string_view(text).substr(at, n);
      const size_t past = ends.PastBlankLine(piece);
      if (past > 0) found = at + past;
      ends.Note(piece);
      at += n;
    }
    EXPECT_EQ(found, HeadLength(text)) << "seed " << seed;
  }
}

TEST(HeldBytes, ComeOutOnceAndInOrderHoweverOftenTheyAreHeldAgain) {
  for (uint64_t seed = 0; seed < 300; ++seed) {
    std::mt19937_64 random(seed);
    HeldBytes held;
    std::string in;
    std::string out;
    const uint64_t base = random() % 1000;
    for (int i = 0; i < 50; ++i) {
      if (random() % 2 == 0) {
        const std::string more = RandomText(random, "abcdef", 1 + random() % 30);
        EXPECT_TRUE(held.Hold(AsBytes(more), base + in.size()));
        in += more;
      }
      held.Give([&](ByteView bytes, uint64_t offset) {
        EXPECT_TRUE(held.giving());
        EXPECT_EQ(offset, base + out.size());
        const size_t taken = random() % (bytes.size() + 1);
        out += AsText(bytes.first(taken));
        if (taken < bytes.size()) {
          EXPECT_TRUE(held.Hold(bytes.subspan(taken), offset + taken));
        }
        return true;
      });
      EXPECT_FALSE(held.giving());
      EXPECT_EQ(held.view(), std::string_view(in).substr(out.size())) << "seed " << seed;
      if (!held.empty()) {
        EXPECT_EQ(held.offset(), base + out.size());
      }
    }
    out += held.Take();
    EXPECT_EQ(out, in) << "seed " << seed;
    EXPECT_TRUE(held.empty());
  }
}

TEST(HeldBytes, MoreThanTheLimitIsTold) {
  HeldBytes held;
  const std::string half(HeldBytes::kMaxBytes / 2, 'x');
  EXPECT_TRUE(held.Hold(AsBytes(half), 0));
  EXPECT_TRUE(held.Hold(AsBytes(half), half.size()));
  EXPECT_FALSE(held.Hold(AsBytes(std::string_view("x")), 2 * half.size()));
}

TEST(HeldBytes, WhatIsNotWantedAnyMoreIsDropped) {
  HeldBytes held;
  EXPECT_TRUE(held.Hold(AsBytes(std::string_view("abc")), 5));
  held.Give([&](ByteView bytes, uint64_t offset) {
    held.Hold(bytes.subspan(1), offset + 1);
    return false;
  });
  EXPECT_TRUE(held.empty());
}

TEST(FedBytes, KnowsWhatBecameOfAPiece) {
  FedBytes fed(/*keep=*/true);
  EXPECT_FALSE(fed.any());
  const std::string text = "headbodyrest";
  const ByteView piece = AsBytes(text);
  fed.Begin(piece, 100);
  EXPECT_EQ(fed.understood_end(), 100u) << "what stood before was nobody's";
  EXPECT_EQ(fed.end(), 112u);
  EXPECT_EQ(fed.used(), 0u);
  EXPECT_EQ(fed.PlaceOf(piece.data() + 4), 4u);
  EXPECT_EQ(fed.PlaceOf(piece.data() + piece.size()), piece.size());
  EXPECT_EQ(fed.PlaceOf(piece.data() - 1), std::nullopt);
  EXPECT_EQ(fed.PlaceOf(piece.data() + piece.size() + 1), std::nullopt);
  EXPECT_EQ(fed.PlaceOf(nullptr), std::nullopt);
  EXPECT_EQ(fed.unused(), text);
  fed.NoteEvent(8);
  EXPECT_EQ(fed.used(), 8u);
  EXPECT_EQ(fed.understood_end(), 108u);
  EXPECT_EQ(fed.unused(), "");
  fed.NoteEvent(4);
  EXPECT_EQ(fed.used(), 8u) << "events do not go back";
  fed.NoteEvent(1000);
  EXPECT_EQ(fed.understood_end(), 112u) << "nor beyond the piece";
  EXPECT_EQ(fed.completed_end(), 0u);
  fed.NoteCompleted();
  EXPECT_EQ(fed.completed_end(), 112u);
  fed.Done();
  EXPECT_EQ(fed.PlaceOf(piece.data()), std::nullopt);
}

TEST(FedBytes, KeepsWhatCameSinceTheLastEventAndNothingUnlessAsked) {
  for (const bool keep : {false, true}) {
    FedBytes fed(keep);
    fed.Begin(AsBytes(std::string_view("ab")), 0);
    fed.Done();
    fed.Begin(AsBytes(std::string_view("cd")), 2);
    fed.Done();
    EXPECT_EQ(fed.unused(), keep ? "abcd" : "");
    fed.Begin(AsBytes(std::string_view("ef")), 4);
    fed.NoteEvent(1);
    fed.KeepOnly(fed.piece().subspan(fed.used()));
    EXPECT_EQ(fed.unused(), keep ? "f" : "");
  }
}

TEST(HttpBody, WhatStandsBehindAChunkIsSeenWhereverItIsCut) {
  struct Case {
    const char* between;
    bool odd;
  };
  for (const Case& c :
       {Case{"\r\n5\r\n", false}, Case{"\n5\r\n", false}, Case{"x\r\n5\r\n", true}}) {
    const std::string_view text = c.between;
    for (size_t cut = 0; cut <= text.size(); ++cut) {
      HttpBody body;
      body.Start(BodyFraming::kChunked, 0);
      body.NoteBetweenChunks("7\r\n", true);  // before the first chunk nothing ends
      body.bytes = 7;
      body.NoteBetweenChunks(text.substr(0, cut), false);
      body.NoteBetweenChunks(text.substr(cut), true);
      const HttpBody::End end = body.Finish(true, "");
      EXPECT_EQ(end.complete, !c.odd) << c.between << " " << cut;
      EXPECT_EQ(*end.why != '\0', c.odd);
      EXPECT_FALSE(body.open);
    }
  }
}

TEST(HttpBody, WhyItIsNotCompleteIsTheMostSpecificReason) {
  HttpBody body;
  body.Start(BodyFraming::kCounted, 10);
  EXPECT_EQ(body.left, 10u);
  body.anomaly = "odd";
  EXPECT_STREQ(body.Finish(true, "").why, "odd");
  body.Start(BodyFraming::kUntilClose, 10);
  EXPECT_EQ(body.left, 0u);
  body.anomaly = "odd";
  body.gap = true;
  body.wrong = "wrong";
  const HttpBody::End end = body.Finish(true, "");
  EXPECT_FALSE(end.complete);
  EXPECT_STREQ(end.why, "bytes are missing inside it");
  body.Start(BodyFraming::kNone, 0);
  EXPECT_STREQ(body.Finish(false, "told").why, "told");
  EXPECT_TRUE(body.Finish(true, "").complete) << "what was wrong with one is not with the next";
}

}  // namespace
}  // namespace flowstitch
