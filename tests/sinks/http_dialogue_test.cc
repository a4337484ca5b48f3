// That no cut of the bytes changes what comes out, whatever the protocol becomes.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/http2_frames.h"
#include "tests/support/http_log.h"

namespace flowstitch {
namespace {

using namespace flowstitch::testing;

TEST(HttpDialogue, NoCutChangesWhatComesOut) {
  Hpack client;
  Hpack server;
  std::mt19937_64 frames_random(1);
  const std::string get = "GET /a HTTP/1.1\r\nHost: h\r\n\r\n";
  const std::string post =
      "POST /b HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: "
      "chunked\r\n\r\n3\r\nabc\r\n4;x=y\r\n\r\n\r\n\r\n0\r\nX: 1\r\n\r\n";
  const std::string hints = "HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n";
  const std::string ok = "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello";
  const std::string chunks =
      "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nTransfer-Encoding: "
      "chunked\r\n\r\n2\r\nhi\r\n0\r\nX: 2\r\n\r\n";
  const std::string request2 = HeadFrames(
      &frames_random, 1,
      client.Encode({{":method", "GET"}, {":scheme", "http"}, {":path", "/"}, {":authority", "h"}}),
      true);
  const std::string response2 = Frame(4, 0, 0, "") +
                                Frame(1, 4, 1, server.Encode({{":status", "200"}})) +
                                Frame(0, 1, 1, "in two");
  const std::vector<std::vector<Turn>> talks = {
      {{0, get + post + get}, {1, ok + chunks + ok}},
      {{0, get + get}, {1, hints + hints + ok + hints + "HTTP/1.1 100 Continue\r\n\r\n" + ok}},
      {{0, get}, {1, ok}, {0, post}, {1, chunks}},
      {{1, ok + ok}},
      {{0, get + get}},
      {{0, "CONNECT h:1 HTTP/1.1\r\nHost: h\r\n\r\n"},
       {1, "HTTP/1.1 200 OK\r\n\r\n" + ok},
       {0, get}},
      {{0, "CONNECT h:1 HTTP/1.1\r\nHost: h\r\n\r\nraw \1\2"}, {1, "HTTP/1.1 200 OK\r\n\r\n\3\4"}},
      {{0, "CONNECT h:1 HTTP/1.1\r\nHost: h\r\n\r\n"},
       {1, "HTTP/1.1 403 No\r\nContent-Length: 2\r\n\r\nno"},
       {0, get},
       {1, ok}},
      {{0, "GET / HTTP/1.1\r\nHost: h\r\nUpgrade: h2c\r\n\r\n" + std::string(kHttp2Preface) +
               Frame(4, 0, 0, "")},
       {1, "HTTP/1.1 101 Switching Protocols\r\nUpgrade: h2c\r\n\r\n" + response2}},
      {{0, "GET / HTTP/1.1\r\nHost: h\r\nUpgrade: h2c\r\n\r\n" + get}, {1, ok + ok}},
      {{0, std::string(kHttp2Preface) + request2}, {1, response2}},
      {{0, std::string(kHttp2Preface) + request2},
       {1, "HTTP/1.1 400 Bad\r\nContent-Length: 2\r\n\r\nno"}},
      {{0, "GET / HTTP/1.1\r\nHost: h\r\nUpgrade: h2c\r\n\r\n" + get +
               "GET / HTTP/1.1\r\nHost: h\r\nUpgrade: websocket\r\n\r\n" + get}},
      {{0, "GET / HTTP/1.1\r\nHost: h\r\nUpgrade: x\r\n\r\n" + get},
       {1, ok + ok},
       {0, get},
       {1, ok}},
      {{0, get + get}, {1, ok + "\r\n\r\n" + ok}},
      {{0, get}, {1, "ICY 200 OK\r\n\r\nmusic"}},
      {{0, get + get},
       {1, "HTTP/1.1 200 OK\r\nTransfer-Encoding: xchunked\r\nContent-Length: 5\r\n\r\nhello"}},
      {{0, "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 6\r\n\r\nabc"},
       {1, "HTTP/1.1 413 Too much\r\nContent-Length: 2\r\n\r\nno"},
       {0, "def" + get},
       {1, ok}},
      {{1, response2}},
      {{0, "GET /old\r\n"}, {1, "the answer\nin lines\n"}},
      {{0, get}, {1, ok + "\r\ngarbage behind\r\n"}},
      {{0, get},
       {1, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\nnonsense\r\n"}},
      {{0, "HEAD / HTTP/1.1\r\nHost: h\r\n\r\n" + get},
       {1, "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n" + ok}},
  };
  for (size_t i = 0; i < talks.size(); ++i) {
    const Log whole = Read(talks[i], 0);
    for (uint64_t seed = 1; seed <= 100; ++seed) {
      EXPECT_EQ(Read(talks[i], seed), whole) << "talk " << i << " seed " << seed;
    }
  }
}

// What the tables of talks above must come to, beyond being the same however they are cut.
TEST(HttpDialogue, RefusedUpgradesAndOddBytesLoseNoMessage) {
  const std::string get = "GET /a HTTP/1.1\r\nHost: h\r\n\r\n";
  const std::string ok = "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello";
  const auto ask = [](const std::string& protocol) {
    return "GET / HTTP/1.1\r\nHost: h\r\nUpgrade: " + protocol + "\r\n\r\n";
  };
  const auto count = [](const Log& log, int kind) {
    const auto it = log.messages.find({kind, 0});
    const std::string text = it == log.messages.end() ? "" : it->second;
    size_t n = 0;
    for (size_t at = 0; (at = text.find("\nend ", at)) != std::string::npos; ++at) ++n;
    return n;
  };
  const Log refused = Read({{0, ask("x") + get}, {1, ok + ok}, {0, get}, {1, ok}}, 0);
  EXPECT_EQ(count(refused, 0), 3u);
  EXPECT_EQ(count(refused, 1), 3u);
  EXPECT_EQ(refused.messages.at({1, 0}).find("head GET /a"),
            refused.messages.at({1, 0}).find("head", 10));
  // Only one side was seen.
  EXPECT_EQ(count(Read({{0, ask("h2c") + get + ask("websocket") + get}}, 0), 0), 4u);
  // Empty lines between answers.
  EXPECT_EQ(count(Read({{0, get + get}, {1, ok + "\r\n\r\n" + ok}}, 0), 1), 2u);
  // A length counts where the transfer coding is none.
  const Log odd = Read({{0, get},
                        {1,
                         "HTTP/1.1 200 OK\r\nTransfer-Encoding: xchunked\r\n"
                         "Content-Length: 6\r\n\r\nhello\n"}},
                       0);
  EXPECT_THAT(odd.messages.at({1, 0}), ::testing::HasSubstr("\nhello\n"));
  // What does not begin as HTTP beside a direction that does is said.
  EXPECT_THAT(Read({{0, get}, {1, "\x15\x03\x01 an alert of TLS"}}, 0).stops[1],
              ::testing::HasSubstr("does not begin as HTTP/1"));
}

// What browsers take for a response, however it begins.
TEST(HttpDialogue, ResponsesThatBeginOddlyAreRead) {
  const std::string get = "GET /a HTTP/1.1\r\nHost: h\r\n\r\n";
  const std::string head = "Connection: close\r\nContent-Length: 5\r\n\r\nhello";
  using namespace std::string_literals;
  struct Case {
    std::string response;
    std::string body;
    std::string anomaly;
  };
  const Case cases[] = {
      {"http/1.1 200 ok\r\n" + head, "hello", "version"},
      {"HTTP/2.0 200 ok\r\n" + head, "hello", "version"},
      {"HtTp/1.1  200\r\n" + head, "hello", "version"},
      {"HTTP/9.-1 200 ok\r\n" + head, "hello", "version"},
      {"ICY 200 OK\r\n\r\nmusic", "music", "ICY"},
      {"\0HTTP/1.1 200 ok\r\n"s + head, "hello", "before its status line"},
      {" \t\r\nHTTP/1.1 200 ok\r\n" + head, "hello", "before its status line"},
      {"SIP/2.0 200 ok\r\nHTTP/1.1 200 ok\r\n" + head, "hello", "before its status line"},
      {"no head at all", "no head at all", "no head"},
      {"HTTP/1.1 204 ok\r\n" + head, "hello", "has no body"},
      {"HTTP/1.1 101 ok\r\n" + head, "hello", "has no body"},
      {"HTTP/1.1 204 ok\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n", "hello",
       "has no body"},
      {"HTTP/1.1 200 ok\r\nConnection: close\r\nContent-Length: 3\r\n 5\r\n\r\nhello", "hello",
       "Content-Length"},
      {"HTTP/1.1 200 ok\r\nConnection: close\r\nContent-Length: 3(5)\r\n\r\nhello", "hello",
       "Content-Length"},
  };
  for (const Case& c : cases) {
    for (uint64_t seed = 0; seed < 20; ++seed) {
      const std::string got = Read({{0, get}, {1, c.response}}, seed).messages.at({1, 0});
      EXPECT_THAT(got, ::testing::HasSubstr("\n" + c.body + "\nend ")) << c.response;
      EXPECT_THAT(got, ::testing::HasSubstr(c.anomaly)) << c.response;
    }
  }
}

}  // namespace
}  // namespace flowstitch
