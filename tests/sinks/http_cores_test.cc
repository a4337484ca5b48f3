// The parsers behind the http writer, against models that the tests build: multipart, HTTP/2,
// WebSocket, ranges; and that no cut of the bytes changes what comes out.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nghttp2/nghttp2.h>
#include <zlib.h>

#include <algorithm>
#include <map>
#include <random>

#include "sinks/http/content_names.h"
#include "sinks/http/http_dialogue.h"
#include "sinks/http/multipart.h"
#include "sinks/http/range_joiner.h"
#include "sinks/piece_file.h"
#include "tests/support/sink_flows.h"
#include "tests/support/temporary_directory.h"

namespace flowstitch {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::Pair;
using namespace flowstitch::testing;

std::string RandomText(std::mt19937_64* random, size_t size, const char* letters) {
  const size_t n = std::string_view(letters).size();
  std::string text(size, '\0');
  for (char& c : text) c = letters[(*random)() % n];
  return text;
}

// Everything that a dialogue tells, as text; bodies and messages in one piece however they came.
class Log : public HttpEvents {
 public:
  void OnHead(HttpMessageId id, const HttpHead& head) override {
    Of(id) += "head " + head.method + " " + head.target + " " + std::to_string(head.status) + " " +
              head.content_encoding + " interims " + std::to_string(head.interims);
    for (const auto& [name, value] : head.fields) Of(id) += "\n" + name + ": " + value;
    Of(id) += "\n";
  }
  void OnBody(HttpMessageId id, ByteView bytes, uint64_t /*offset*/) override {
    Of(id).append(AsText(bytes));
  }
  void OnBodyGap(HttpMessageId id, uint64_t length) override {
    Of(id).append(static_cast<size_t>(length), '?');
  }
  void OnTrailers(HttpMessageId id, const HttpFields& fields) override {
    for (const auto& [name, value] : fields) Of(id) += "\ntrailer " + name + ": " + value;
  }
  void OnEnd(HttpMessageId id, bool complete, std::string_view why) override {
    Of(id) += (complete ? "\nend " : "\ncut ") + std::string(why) + "\n";
  }
  void OnWebSocketMessage(int direction, const WebSocketMessage& message) override {
    websocket[direction] += message.binary ? "binary " : "text ";
  }
  void OnWebSocketBytes(int direction, ByteView bytes, uint64_t /*offset*/) override {
    websocket[direction].append(AsText(bytes));
  }
  void OnWebSocketEnd(int direction, bool complete, std::string_view why) override {
    websocket[direction] += (complete ? "\nend " : "\ncut ") + std::string(why) + "\n";
  }
  void OnOther(int direction, ByteView bytes, uint64_t /*offset*/) override {
    other[direction].append(AsText(bytes));
  }
  void OnUnused(HttpKind kind, ByteView bytes) override {
    other[static_cast<int>(kind)].append(AsText(bytes));
  }
  void OnStopped(int direction, uint64_t offset, std::string_view why) override {
    stops[direction] += std::to_string(offset) + " " + std::string(why) + "\n";
  }
  bool operator==(const Log& o) const {
    return messages == o.messages && websocket[0] == o.websocket[0] &&
           websocket[1] == o.websocket[1] && other[0] == o.other[0] && other[1] == o.other[1] &&
           stops[0] == o.stops[0] && stops[1] == o.stops[1];
  }
  std::map<std::pair<int, uint32_t>, std::string> messages;
  std::string websocket[2];
  std::string other[2];
  std::string stops[2];

 private:
  std::string& Of(HttpMessageId id) { return messages[{static_cast<int>(id.kind), id.stream}]; }
};

void PrintTo(const Log& log, std::ostream* out) {
  for (const auto& [id, text] : log.messages) {
    *out << "== " << id.first << "/" << id.second << "\n" << text;
  }
  for (int d : {0, 1}) {
    *out << "== websocket " << d << "\n"
         << log.websocket[d] << "== other " << log.other[d] << "\n== stops " << log.stops[d];
  }
}

// Both sides, in turns as given; cut at random when there is a seed.
struct Turn {
  int side;
  std::string text;
};
Log Read(const std::vector<Turn>& turns, uint64_t seed) {
  const HttpParserConfig config(true);
  Log log;
  HttpDialogue dialogue(config, {}, &log);
  std::mt19937_64 random(seed);
  uint64_t offsets[2] = {};
  for (const Turn& turn : turns) {
    for (size_t at = 0; at < turn.text.size();) {
      const size_t n =
          seed == 0 ? turn.text.size() : std::min<size_t>(turn.text.size() - at, 1 + random() % 9);
      dialogue.Bytes(turn.side, offsets[turn.side], AsBytes(turn.text).subspan(at, n), 0);
      offsets[turn.side] += n;
      at += n;
    }
  }
  dialogue.Close({true, true});
  return log;
}

std::string Frame(uint8_t type, uint8_t flags, uint32_t stream, const std::string& payload) {
  std::string out;
  for (int shift : {16, 8, 0}) out += static_cast<char>(payload.size() >> shift);
  out += static_cast<char>(type);
  out += static_cast<char>(flags);
  for (int shift : {24, 16, 8, 0}) out += static_cast<char>(stream >> shift);
  return out + payload;
}

// nghttp2's encoder, whose table lives on from head to head.
class Hpack {
 public:
  Hpack() { nghttp2_hd_deflate_new(&deflater_, 4096); }
  ~Hpack() { nghttp2_hd_deflate_del(deflater_); }
  std::string Encode(const HttpFields& fields) {
    std::vector<nghttp2_nv> pairs;
    for (const auto& [name, value] : fields) {
      pairs.push_back({reinterpret_cast<uint8_t*>(const_cast<char*>(name.data())),
                       reinterpret_cast<uint8_t*>(const_cast<char*>(value.data())), name.size(),
                       value.size(), NGHTTP2_NV_FLAG_NONE});
    }
    std::string out(16 << 10, '\0');
    const ssize_t n = nghttp2_hd_deflate_hd(deflater_, reinterpret_cast<uint8_t*>(out.data()),
                                            out.size(), pairs.data(), pairs.size());
    EXPECT_GT(n, 0);
    out.resize(static_cast<size_t>(n));
    return out;
  }

 private:
  nghttp2_hd_deflater* deflater_ = nullptr;
};

// A head in one frame, or in pieces with a CONTINUATION for each.
std::string HeadFrames(std::mt19937_64* random, uint32_t stream, const std::string& block,
                       bool ends) {
  std::string out;
  size_t at = std::min<size_t>(block.size(), (*random)() % 2 == 0 ? block.size() : 1);
  const bool padded = (*random)() % 3 == 0;
  std::string first = block.substr(0, at);
  if (padded) first = std::string(1, '\5') + first + std::string(5, '\0');
  const auto flags = static_cast<uint8_t>((ends ? 1 : 0) | (padded ? 8 : 0));
  out = Frame(1, static_cast<uint8_t>(flags | (at == block.size() ? 4 : 0)), stream, first);
  while (at < block.size()) {
    const size_t n = std::min<size_t>(block.size() - at, 1 + (*random)() % 20);
    at += n;
    out += Frame(9, at == block.size() ? 4 : 0, stream, block.substr(at - n, n));
  }
  return out;
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

std::string Masked(std::string text, uint32_t mask) {
  for (size_t i = 0; i < text.size(); ++i) {
    text[i] = static_cast<char>(text[i] ^ static_cast<char>(mask >> (24 - 8 * (i % 4))));
  }
  return text;
}

std::string WebSocketFrame(std::mt19937_64* random, uint8_t first, const std::string& payload,
                           bool client) {
  std::string out(1, static_cast<char>(first));
  const auto mask_bit = static_cast<uint8_t>(client ? 0x80 : 0);
  if (payload.size() < 126) {
    out += static_cast<char>(mask_bit | payload.size());
  } else if (payload.size() < 65536) {
    out += static_cast<char>(mask_bit | 126);
    out += static_cast<char>(payload.size() >> 8);
    out += static_cast<char>(payload.size());
  } else {
    out += static_cast<char>(mask_bit | 127);
    for (int shift = 56; shift >= 0; shift -= 8) {
      out += static_cast<char>(static_cast<uint64_t>(payload.size()) >> shift);
    }
  }
  if (!client) return out + payload;
  const auto mask = static_cast<uint32_t>((*random)());
  for (int shift : {24, 16, 8, 0}) out += static_cast<char>(mask >> shift);
  return out + Masked(payload, mask);
}

TEST(WebSocketParser, AnyFragmentsMasksAndCompressionGiveTheMessages) {
  for (uint64_t seed = 1; seed <= 100; ++seed) {
    std::mt19937_64 random(seed);
    const bool client = seed % 2 == 0;
    const bool deflates = seed % 3 != 0;
    const bool keeps = seed % 5 != 0;
    z_stream z = {};
    deflateInit2(&z, 6, Z_DEFLATED, -15, 8, Z_DEFAULT_STRATEGY);
    std::string stream;
    std::string wanted;
    for (int i = 0; i < 12; ++i) {
      const bool binary = random() % 2 == 0;
      const std::string text = RandomText(&random, random() % (i == 5 ? 70'000 : 400), "abcabcabc");
      std::string data = text;
      const bool packed = deflates && !text.empty() && random() % 4 != 0;
      if (packed) {
        data.assign(deflateBound(&z, text.size()) + 64, '\0');
        z.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(text.data()));
        z.avail_in = static_cast<uInt>(text.size());
        z.next_out = reinterpret_cast<Bytef*>(data.data());
        z.avail_out = static_cast<uInt>(data.size());
        deflate(&z, Z_SYNC_FLUSH);
        data.resize(data.size() - z.avail_out - 4);
        if (!keeps) deflateReset(&z);
      }
      size_t at = 0;
      bool first = true;
      do {
        const size_t n = std::min<size_t>(data.size() - at, random() % 3 == 0 ? data.size() : 50);
        const bool last = at + n == data.size();
        auto head = static_cast<uint8_t>((last ? 0x80 : 0) | (first ? (binary ? 2 : 1) : 0));
        if (first && packed) head |= 0x40;
        stream += WebSocketFrame(&random, head, data.substr(at, n), client);
        if (random() % 4 == 0) stream += WebSocketFrame(&random, 0x89, "ping", client);
        at += n;
        first = false;
      } while (at < data.size());
      wanted += std::string(binary ? "binary " : "text ") + text + "\nend \n";
    }
    deflateEnd(&z);
    const std::string extensions =
        !deflates ? "x-none"
                  : std::string("permessage-deflate") +
                        (keeps ? "" : "; client_no_context_takeover; server_no_context_takeover");
    const std::string ask =
        "GET /w HTTP/1.1\r\nHost: h\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n";
    const std::string answer =
        "HTTP/1.1 101 Switching Protocols\r\nUpgrade: WebSocket\r\nConnection: Upgrade\r\n"
        "Sec-WebSocket-Extensions: " +
        extensions + "\r\n\r\n";
    const int side = client ? 0 : 1;
    // Its bytes may come with the upgrade, and the client's before the answer is seen.
    for (uint64_t cut : {uint64_t{0}, seed}) {
      const Log log = client ? Read({{0, ask + stream}, {1, answer}}, cut)
                             : Read({{0, ask}, {1, answer + stream}}, cut);
      // Not printed: it is long.
      EXPECT_TRUE(log.websocket[side] == wanted)
          << "seed " << seed << " cut " << cut << ": " << log.websocket[side].size()
          << " bytes for " << wanted.size() << ", stopped " << log.stops[side];
    }
  }
}

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
  EXPECT_THAT(Read({{0, get}, {1, "ICY 200 OK\r\n\r\nmusic"}}, 0).stops[1],
              ::testing::HasSubstr("does not begin as HTTP/1"));
}

class Parts : public MultipartEvents {
 public:
  void OnPart(const HttpFields& fields, uint64_t position) override {
    heads.push_back(fields);
    positions.push_back(position);
    texts.emplace_back();
  }
  void OnPartBytes(ByteView bytes) override { texts.back().append(AsText(bytes)); }
  void OnPartEnd(bool complete) override { ends.push_back(complete); }
  std::vector<HttpFields> heads;
  std::vector<uint64_t> positions;
  std::vector<std::string> texts;
  std::vector<bool> ends;
};

TEST(MultipartSplitter, AnyPartsInAnyCutComeOutAsTheyWere) {
  for (uint64_t seed = 1; seed <= 500; ++seed) {
    std::mt19937_64 random(seed);
    const std::string boundary = RandomText(&random, 1 + random() % 6, "ab-");
    const std::string line = seed % 4 == 0 ? "\n" : "\r\n";
    std::string body = seed % 3 == 0 ? "preamble" + line : "";
    std::vector<std::string> wanted;
    std::vector<uint64_t> positions;
    const size_t parts = 1 + random() % 5;
    for (size_t i = 0; i < parts; ++i) {
      // Content that looks like delimiters, and is none: a longer boundary, one inside a line.
      std::string content = RandomText(&random, random() % 60, "ab-\r\n ");
      if (random() % 2 == 0) content += line + "--" + boundary + "x" + line;
      if (random() % 2 == 0) content += "x--" + boundary + line;
      // By chance it may have made a real one.
      for (const std::string end : {"\n", "\r\n", "--", " ", "\t"}) {
        size_t at = 0;
        while ((at = content.find("\n--" + boundary + end)) != std::string::npos) content[at] = 'a';
      }
      if (content.rfind("--" + boundary, 0) == 0) content[0] = 'a';
      if (!content.empty()) content += 'z';
      body += (body.empty() ? ""
               : i == 0     ? ""
                            : line) +
              std::string("--") + boundary + (random() % 3 == 0 ? "  " : "") + line +
              "X: " + std::to_string(i) + line + line;
      positions.push_back(body.size());
      body += content;
      wanted.push_back(content);
    }
    body += line + "--" + boundary + "--" + line + "epilogue --" + boundary;
    Parts found;
    MultipartSplitter splitter(boundary, &found);
    for (size_t at = 0; at < body.size();) {
      const size_t n = std::min<size_t>(body.size() - at, 1 + random() % 7);
      splitter.Feed(AsBytes(body).subspan(at, n));
      at += n;
    }
    splitter.Finish();
    EXPECT_EQ(found.texts, wanted) << "seed " << seed << "\n" << body;
    EXPECT_EQ(found.positions, positions) << "seed " << seed;
    EXPECT_EQ(found.ends, std::vector<bool>(parts, true)) << "seed " << seed;
    EXPECT_TRUE(splitter.complete()) << "seed " << seed;
  }
}

TEST(MultipartSplitter, WhatIsCutOrTooMuchIsSaid) {
  Parts cut;
  MultipartSplitter splitter("b", &cut);
  splitter.Feed(AsBytes("--b\r\n\r\nthe first\r\n--b\r\n\r\nhalf"));
  splitter.Finish();
  EXPECT_THAT(cut.texts, ElementsAre("the first", "half"));
  EXPECT_THAT(cut.ends, ElementsAre(true, false));
  EXPECT_FALSE(splitter.complete());

  Parts gap;
  MultipartSplitter holed("b", &gap);
  holed.Feed(AsBytes("--b\r\n\r\nfirst"));
  holed.Gap(100);
  holed.Feed(AsBytes("tail\r\n--b\r\n\r\nsecond\r\n--b--"));
  holed.Finish();
  EXPECT_THAT(gap.texts, ElementsAre("first", "second"));
  EXPECT_THAT(gap.ends, ElementsAre(false, true));

  Parts many;
  MultipartSplitter flood("b", &many);
  for (int i = 0; i < 5000; ++i) flood.Feed(AsBytes("--b\r\n\r\nx\r\n"));
  flood.Finish();
  EXPECT_EQ(many.texts.size(), MultipartSplitter::kMaxParts);
  EXPECT_FALSE(flood.complete());
}

TEST(FieldParameter, Forms) {
  EXPECT_EQ(BoundaryOf("multipart/form-data; boundary=abc"), "abc");
  EXPECT_EQ(BoundaryOf(" Multipart/Mixed; charset=x; BOUNDARY=\"a b\" ; z"), "a b");
  EXPECT_EQ(BoundaryOf("text/plain; boundary=abc"), "");
  EXPECT_EQ(BoundaryOf("multipart/mixed; boundary=\"a\r\nb\""), "");
  EXPECT_EQ(FieldParameter("form-data; name=\"a\\\"b\"; filename=x", "name"), "a\"b");
  EXPECT_EQ(FieldParameter("form-data; filename=\"C:\\dir\\f.txt\"", "filename"), "C:\\dir\\f.txt");
  EXPECT_EQ(
      FieldParameter("attachment; filename=plain; filename*=UTF-8''%e2%82%ac%20x", "filename"),
      "\u20ac x");
  EXPECT_EQ(FieldParameter("attachment", "filename"), "");
  EXPECT_EQ(FieldParameter(";;=;x=;filename", "filename"), "");
}

TEST(SafeFileName, NamesNoPlaceAndBreaksNoLine) {
  EXPECT_EQ(SafeFileName("../../etc/passwd"), "passwd");
  EXPECT_EQ(SafeFileName("C:\\dir\\f.txt"), "f.txt");
  EXPECT_EQ(SafeFileName(".."), "_");
  EXPECT_EQ(SafeFileName("a\nb\x01"
                         "c:d"),
            "a_b_c_d");
  EXPECT_EQ(SafeFileName(std::string(1000, 'x')).size(), 255u);
  const std::string euros = SafeFileName(std::string("x") + std::string(300, '\xe2'));
  EXPECT_LE(euros.size(), 255u);
  EXPECT_NE(static_cast<uint8_t>(euros.back()) & 0xc0, 0xc0);
}

TEST(RangeJoiner, AnyOrderOfFlowsAndThreadsGivesTheResource) {
  for (uint64_t seed = 1; seed <= 50; ++seed) {
    std::mt19937_64 random(seed);
    TemporaryDirectory directory;
    const std::string whole = RandomText(&random, 2000, "abcdefgh");
    std::vector<RangeRecord> ranges;
    for (uint64_t at = 0; at < whole.size();) {
      const uint64_t first = at - std::min<uint64_t>(at, random() % 40);
      const uint64_t last = std::min<uint64_t>(whole.size() - 1, at + 50 + random() % 500);
      RangeRecord range;
      range.path = directory.path() + "/part" + std::to_string(ranges.size());
      std::ofstream(range.path, std::ios::binary) << whole.substr(first, last - first + 1);
      range.resource = "h\n/x\netag";
      range.stem = directory.path() + "/file" + std::to_string(ranges.size());
      range.first = first;
      range.last = last;
      range.total = whole.size();
      ranges.push_back(range);
      at = last + 1;
    }
    std::shuffle(ranges.begin(), ranges.end(), random);
    const std::string stem = ranges[0].stem;
    const bool lacks = seed % 5 == 0;
    if (lacks && ranges.size() > 1) ranges.pop_back();
    std::vector<size_t> order(ranges.size());
    for (size_t i = 0; i < order.size(); ++i) order[i] = i;
    std::shuffle(order.begin(), order.end(), random);
    RangeJoiner joiner({});
    for (const size_t i : order) joiner.Add(i, {ranges[i]});
    joiner.Finish();
    ASSERT_TRUE(joiner.status().ok());
    const auto joined = joiner.Take();
    if (lacks || ranges.size() == 1) {
      EXPECT_THAT(joined, IsEmpty()) << "seed " << seed;
      continue;
    }
    ASSERT_EQ(joined.size(), 1u) << "seed " << seed;
    // Named by the first flow, whichever thread came first.
    EXPECT_EQ(joined[0].record.path, stem) << "seed " << seed;
    EXPECT_EQ(directory.Files().at(stem.substr(directory.path().size() + 1)), whole)
        << "seed " << seed;
  }
}

TEST(RangeJoiner, ContentRanges) {
  uint64_t a = 0;
  uint64_t b = 0;
  uint64_t c = 0;
  EXPECT_TRUE(ParseContentRange("bytes 0-99/200", &a, &b, &c));
  EXPECT_EQ(b + c, 299u);
  for (const char* bad :
       {"bytes 5-4/10", "bytes 0-10/10", "bytes */10", "bytes 0-1/*", "items 0-1/2", "bytes 0-1/2x",
        "", "bytes -1-1/2", "bytes 0-1/99999999999999999999999"}) {
    EXPECT_FALSE(ParseContentRange(bad, &a, &b, &c)) << bad;
  }
}

TEST(PieceFile, GrowsAsAStringDoes) {
  for (uint64_t seed = 1; seed <= 100; ++seed) {
    std::mt19937_64 random(seed);
    TemporaryDirectory directory;
    PieceMemory memory;
    PieceFile file(&memory);
    file.Begin(directory.path() + "/x.part", 100);
    std::string model;
    for (int i = 0; i < 40; ++i) {
      const uint64_t what = random() % 10;
      if (what < 6) {
        const std::string text = RandomText(&random, random() % 120, "abc");
        ASSERT_TRUE(file.Append(AsBytes(text)).ok());
        model += text;
      } else if (what < 8) {
        const size_t hole = random() % 200;
        file.Skip(hole);
        model.append(hole, '\0');
      } else if (what == 8) {
        std::string read;
        ASSERT_TRUE(file.ReadBack([&read](ByteView bytes) {
                          read.append(AsText(bytes));
                          return absl::OkStatus();
                        })
                        .ok());
        // A hole at the end is not there so far.
        model.resize(std::max(model.size(), read.size()));
        EXPECT_EQ(read, model.substr(0, read.size())) << "seed " << seed;
      } else if (random() % 4 == 0) {
        ASSERT_TRUE(file.Truncate().ok());
        model.clear();
      }
      EXPECT_EQ(file.size(), model.size());
    }
    ASSERT_TRUE(file.Commit(directory.path() + "/x", 0).ok());
    EXPECT_THAT(directory.Files(), ElementsAre(Pair("x", model))) << "seed " << seed;
    EXPECT_FALSE(memory.full());
  }
  TemporaryDirectory directory;
  PieceMemory memory;
  {
    PieceFile file(&memory);
    file.Begin(directory.path() + "/x.part", 10);
    ASSERT_TRUE(file.Append(AsBytes("more than it keeps back")).ok());
  }
  EXPECT_THAT(directory.Files(), IsEmpty());  // never committed
}

TEST(ContentNames, ByTypeAndWhereThatIsMissingOrWrongByContent) {
  auto names = ContentNames::Open();
  if (!names.ok()) GTEST_SKIP() << names.status();
  const std::string png =
      std::string("\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\0\1\0\0\0\1\x08\2\0\0\0", 29) + "xxxx";
  const std::string pdf = "%PDF-1.4\n%\xe2\xe3\xcf\xd3\n1 0 obj\n";
  const auto name = [&names](std::string_view type, const std::string& start) {
    return (*names)->Extension(type, AsBytes(start));
  };
  EXPECT_EQ(name("text/html; charset=x", "<html>"), "html");
  EXPECT_EQ(name("text/html", "just text"), "html");
  EXPECT_EQ(name("text/html", pdf), "html") << "its first bytes are text";
  EXPECT_EQ(name("image/jpeg", png), "png");
  EXPECT_EQ(name("text/plain", png), "png");
  EXPECT_EQ(name("", png), "png");
  EXPECT_EQ(name("application/octet-stream", pdf), "pdf");
  EXPECT_EQ(name("application/octet-stream", "\x01\x02\x03"), "bin");
  EXPECT_EQ(name("x/y", "\x01\x02\x03"), "");
  EXPECT_EQ(name("application/x-www-form-urlencoded", "a=b"), "");
  EXPECT_EQ(name("image/png", ""), "png");
}

}  // namespace
}  // namespace flowstitch
