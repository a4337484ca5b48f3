#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <random>

#include "tests/support/http2_frames.h"
#include "tests/support/http_log.h"
#include "tests/support/random_text.h"

namespace flowstitch {
namespace {

using namespace flowstitch::testing;

class Bodies : public HttpEvents {
 public:
  struct Body {
    int status = 0;
    std::string text;
    bool complete = false;
    std::string why;
  };
  void OnHead(HttpMessageId id, const HttpHead& head) override {
    if (id.kind == HttpKind::kResponse) of[id.stream].status = head.status;
  }
  void OnBody(HttpMessageId id, ByteView bytes, uint64_t) override {
    if (id.kind == HttpKind::kResponse) of[id.stream].text.append(AsText(bytes));
  }
  void OnBodyGap(HttpMessageId, uint64_t) override {}
  void OnEnd(HttpMessageId id, bool complete, std::string_view why) override {
    if (id.kind != HttpKind::kResponse) return;
    of[id.stream].complete = complete;
    of[id.stream].why = std::string(why);
  }
  void OnUnread(Direction, const UnreadStretch& stretch) override {
    unread.push_back({stretch.offset, stretch.end.value_or(0)});
  }
  std::map<uint32_t, Body> of;
  std::vector<std::pair<uint64_t, uint64_t>> unread;
};

// A capture that begins amid a connection, or lacks a stretch of it: bodies that begin behind that
// are whole, and their heads are right or unknown.
TEST(Http2Parser, FramesAreFoundAmidAConnection) {
  size_t known = 0;
  size_t unknown = 0;
  for (uint64_t seed = 1; seed <= 300; ++seed) {
    std::mt19937_64 random(seed);
    Hpack server;
    std::vector<std::string> frames = {Frame(4, 0, 0, std::string("\0\3\0\0\0\x64", 6))};
    std::vector<size_t> head_at;
    std::vector<std::string> wanted;
    std::vector<int> status;
    for (uint32_t i = 0; i < 12; ++i) {
      const uint32_t stream = 2 * i + 1;
      status.push_back(random() % 2 == 0 ? 200 : 404);
      head_at.push_back(frames.size());
      HttpFields fields = {{":status", std::to_string(status[i])}};
      if (random() % 2 == 0) fields.emplace_back("x-n", std::to_string(random() % 3));
      frames.push_back(Frame(1, 4, stream, server.Encode(fields)));
      wanted.push_back(RandomText(&random, random() % 300, "ab\r\n"));
      frames.push_back(Frame(0, 0, stream, wanted[i]));
      if (random() % 3 == 0) frames.push_back(Frame(6, 0, 0, "12345678"));
      frames.push_back(Frame(0, 1, stream, "the end"));
    }
    const HttpParserConfig config(true);
    Bodies bodies;
    const bool lost = seed % 2 == 0;  // else it begins there
    HttpDialogue dialogue(config, {}, &bodies, true, /*from_start=*/lost);
    const size_t cut = 1 + random() % 20;
    const size_t from = lost ? random() % cut : 0;
    uint64_t offset = 0;
    for (size_t at = 0; at < frames.size();) {
      std::string piece;
      const size_t end = at < from  ? from
                         : at < cut ? cut
                                    : std::min(frames.size(), at + 2 + random() % 3);
      const bool missing = lost && at >= from && at < cut;
      for (; at < end; ++at) piece += lost || at >= cut ? frames[at] : "";
      if (missing) {
        dialogue.Gap(kServerToClient, piece.size());
      } else {
        dialogue.Bytes(kServerToClient, offset, AsBytes(piece), 0);
      }
      offset += piece.size();
    }
    dialogue.Close({true, true});
    for (uint32_t i = 0; i < 12; ++i) {
      if (head_at[i] < cut || frames.size() - head_at[i] < 6) continue;
      const Bodies::Body& body = bodies.of[2 * i + 1];
      EXPECT_EQ(body.text, wanted[i] + "the end") << "seed " << seed << " message " << i;
      EXPECT_TRUE(body.complete) << "seed " << seed;
      if (body.status == 0) {
        ++unknown;
        EXPECT_FALSE(body.why.empty());
      } else {
        ++known;
        EXPECT_EQ(body.status, status[i]) << "seed " << seed << " message " << i;
      }
    }
    if (lost && from > 0) {
      EXPECT_EQ(bodies.unread.size(), 1u) << "seed " << seed;
    }
  }
  EXPECT_GT(known, 300u);
  EXPECT_GT(unknown, 300u);
}

TEST(Http2Parser, WhatOnlyLooksLikeFramesIsNone) {
  std::mt19937_64 random(1);
  size_t found = 0;
  for (int i = 0; i < 1'000'000; ++i) {
    std::string bytes(40 + random() % 100, '\0');
    // Mostly zeros, as frames' headers are.
    for (char& c : bytes) c = random() % 3 == 0 ? static_cast<char>(random()) : '\0';
    found += HoldsHttp2Frames(AsBytes(bytes)) ? 1u : 0u;
  }
  EXPECT_LT(found, 20u);
  EXPECT_FALSE(HoldsHttp2Frames(AsBytes(std::string(2000, '\0'))));
  EXPECT_FALSE(HoldsHttp2Frames({}));
}

TEST(Http2Parser, AnyInterleavingOfStreamsGivesTheirMessages) {
  for (uint64_t seed = 1; seed <= 200; ++seed) {
    std::mt19937_64 random(seed);
    Hpack client;
    Hpack server;
    std::string sides[2] = {std::string(kHttp2Preface) + Frame(4, 0, 0, ""),
                            Frame(4, 0, 0, std::string("\0\3\0\0\0\x64", 6))};
    struct Open {
      uint32_t stream;
      std::string rest;
      bool trailers;
    };
    std::vector<Open> open;
    std::map<uint32_t, std::string> wanted;
    for (uint32_t i = 0; i < 12; ++i) {
      const uint32_t stream = 2 * i + 1;
      const std::string path = "/" + std::to_string(random() % 5);
      sides[0] += HeadFrames(&random, stream,
                             client.Encode({{":method", "GET"},
                                            {":scheme", "http"},
                                            {":path", path},
                                            {":authority", "h"},
                                            {"x-n", std::to_string(i % 3)}}),
                             true);
      if (random() % 3 == 0) {
        sides[1] += HeadFrames(&random, stream, server.Encode({{":status", "103"}}), false);
      }
      std::string body = RandomText(&random, random() % 300, "ab\r\n\0");
      const bool trailers = random() % 3 == 0;
      sides[1] += HeadFrames(&random, stream,
                             server.Encode({{":status", "200"},
                                            {"content-length", std::to_string(body.size())},
                                            {"x-path", path}}),
                             body.empty() && !trailers);
      wanted[stream] = body;
      if (!body.empty() || trailers) open.push_back({stream, body, trailers});
      // What is open goes on, a piece here and a piece there.
      while (!open.empty() && (random() % 3 != 0 || i == 11)) {
        Open& one = open[random() % open.size()];
        const size_t n = std::min<size_t>(one.rest.size(), 1 + random() % 100);
        const bool last = n == one.rest.size();
        const bool padded = random() % 4 == 0;
        std::string data = one.rest.substr(0, n);
        if (padded) data = std::string(1, '\3') + data + std::string(3, '\0');
        const auto ends = static_cast<uint8_t>(last && !one.trailers ? 1 : 0);
        sides[1] += Frame(0, static_cast<uint8_t>(ends | (padded ? 8 : 0)), one.stream, data);
        if (random() % 5 == 0) sides[1] += Frame(6, 0, 0, "pingpong");
        one.rest.erase(0, n);
        if (!last) continue;
        if (one.trailers) {
          sides[1] += HeadFrames(&random, one.stream, server.Encode({{"x-sum", "7"}}), true);
        }
        open.erase(open.begin() + (&one - open.data()));
      }
    }
    const Log log = Read({{0, sides[0]}, {1, sides[1]}}, seed);
    EXPECT_EQ(log.messages.size(), 24u) << "seed " << seed;
    for (const auto& [stream, body] : wanted) {
      const std::string& text = log.messages.at({1, stream});
      const size_t start = text.find("x-path: /") + 11;
      EXPECT_EQ(text.substr(start, body.size()), body) << "seed " << seed << " stream " << stream;
      EXPECT_THAT(text, ::testing::EndsWith("\nend \n")) << "seed " << seed;
    }
    EXPECT_EQ(log.stops[0] + log.stops[1], "") << "seed " << seed;
  }
}

}  // namespace
}  // namespace flowstitch
