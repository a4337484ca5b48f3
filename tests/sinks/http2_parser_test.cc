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
