// HTTP/1 of which bytes are lost: what certainly begins is read, and paired rightly or not at all.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <deque>
#include <map>
#include <random>
#include <set>
#include <utility>

#include "sinks/content/http/http_dialogue.h"
#include "sinks/records/http_transaction.h"

namespace flowstitch {
namespace {

// What comes of a dialogue: pairs of what requests and responses call themselves.
class Pairs : public HttpEvents {
 public:
  void OnHead(HttpMessageId id, const HttpHead& head) override {
    HttpMessage message;
    message.head = head;
    pairing_.OnHead(id, std::move(message));
    const int d = static_cast<int>(id.kind);
    names_[d] = id.kind == HttpKind::kRequest ? head.target : FieldValue(head.fields, "name");
  }
  void OnBody(HttpMessageId id, ByteView bytes, uint64_t) override {
    bodies[static_cast<int>(id.kind)][names_[static_cast<int>(id.kind)]].append(AsText(bytes));
  }
  void OnBodyGap(HttpMessageId, uint64_t) override {}
  void OnEnd(HttpMessageId id, bool complete, std::string_view why) override {
    pairing_.OnEnd(id, nullptr, complete, why, Taker());
  }
  void OnUnread(Direction direction, const UnreadStretch& stretch) override {
    unread[direction].push_back({stretch.offset, stretch.end});
    EXPECT_FALSE(stretch.why.empty());
  }
  void Finish() { pairing_.Finish(Taker()); }

  std::map<std::string, std::string> bodies[2];
  std::vector<std::pair<uint64_t, std::optional<uint64_t>>> unread[2];
  std::multiset<std::pair<std::string, std::string>> pairs;  // "": none

 private:
  HttpPairing::Taker Taker() {
    return [this](const HttpTransaction& t) {
      pairs.insert({t.request ? t.request->head.target : "",
                    t.response ? FieldValue(t.response->head.fields, "name") : ""});
    };
  }
  HttpPairing pairing_;
  std::string names_[2];
};

struct Piece {
  std::string bytes;
  uint64_t had = 0;  // of the other direction
  bool lost = false;
  bool late = false;  // another sensor, or a repeat, brings it
};

// A conversation in pieces, as segments would carry them.
struct Talk {
  std::vector<std::pair<Direction, Piece>> pieces;  // in the order of sending
  uint64_t sent[2] = {};
  void Say(Direction direction, std::string_view text, size_t piece_bytes) {
    for (size_t at = 0; at < text.size(); at += piece_bytes) {
      Piece piece{std::string(text.substr(at, piece_bytes)), sent[Opposite(direction)]};
      sent[direction] += piece.bytes.size();
      pieces.emplace_back(direction, piece);
    }
  }
};

// Feeds it: each direction in its order, a lost piece as a gap, whose direction may fall behind.
void FeedTalk(const Talk& talk, std::mt19937_64* random, bool with_acknowledgements, Pairs* out) {
  const HttpParserConfig config(true);
  HttpDialogue dialogue(config, {}, out);
  std::deque<Piece> queues[2];
  uint64_t offsets[2] = {};
  const auto feed = [&](Direction d) {
    const Piece piece = queues[d].front();
    queues[d].pop_front();
    if (piece.lost) {
      uint64_t gap = piece.bytes.size();
      while (!queues[d].empty() && queues[d].front().lost) {
        gap += queues[d].front().bytes.size();
        queues[d].pop_front();
      }
      dialogue.Gap(d, gap);
      offsets[d] += gap;
      return;
    }
    const auto had = with_acknowledgements ? std::optional(piece.had) : std::nullopt;
    dialogue.Bytes(d, offsets[d], AsBytes(piece.bytes), 0, had);
    offsets[d] += piece.bytes.size();
  };
  for (const auto& [direction, piece] : talk.pieces) {
    queues[direction].push_back(piece);
    // Behind a loss a direction waits for what is missing, up to some time.
    const Piece& first = queues[direction].front();
    const bool stalls = (first.lost || first.late) && (*random)() % 4 != 0;
    while (!stalls && !queues[direction].empty()) feed(direction);
  }
  for (const Direction d : kDirections) {
    while (!queues[d].empty()) feed(d);
  }
  dialogue.Close({true, true});
  out->Finish();
}

std::string Request(const std::string& name, const std::string& method, const std::string& body) {
  return method + " " + name + " HTTP/1.1\r\nHost: h\r\n" +
         (body.empty() ? "" : "Content-Length: " + std::to_string(body.size()) + "\r\n") + "\r\n" +
         body;
}

std::string Response(const std::string& name, const std::string& body, bool chunked, bool head) {
  std::string out = "HTTP/1.1 200 OK\r\nName: " + name + "\r\n";
  if (!chunked) {
    return out + "Content-Length: " + std::to_string(body.size()) + "\r\n\r\n" + (head ? "" : body);
  }
  out += "Transfer-Encoding: chunked\r\n\r\n";
  if (head) return out;
  for (size_t at = 0; at < body.size(); at += 50) {
    const std::string chunk = body.substr(at, 50);
    char size[16];
    std::snprintf(size, sizeof(size), "%zx\r\n", chunk.size());
    out += size + chunk + "\r\n";
  }
  return out + "0\r\n\r\n";
}

// Bodies that hold what looks like messages, at their segments' beginnings too.
std::string Body(std::mt19937_64* random, size_t piece) {
  std::string body((*random)() % 400, 'x');
  if ((*random)() % 2 == 0) {
    body.resize((body.size() / piece + 1) * piece, 'y');
    body += Response("/embedded", "embedded", false, false) + Request("/embedded", "GET", "");
  }
  return body;
}

TEST(HttpLosses, WhatIsPairedIsPairedRightly) {
  size_t pairs = 0;
  size_t possible = 0;
  for (uint64_t seed = 1; seed <= 2000; ++seed) {
    std::mt19937_64 random(seed);
    const size_t piece = 20 + random() % 200;
    Talk talk;
    std::vector<bool> captured;
    const bool pipelines = seed % 4 == 0;
    const size_t exchanges = 2 + random() % 8;
    std::string early;  // responses to requests sent together
    for (size_t i = 0; i < exchanges; ++i) {
      const std::string name = "/" + std::to_string(i);
      const bool head = random() % 8 == 0;
      const std::string upload = !head && random() % 4 == 0 ? Body(&random, piece) : "";
      const size_t before = talk.pieces.size();
      talk.Say(kClientToServer,
               Request(name,
                       head             ? "HEAD"
                       : upload.empty() ? "GET"
                                        : "POST",
                       upload),
               piece);
      // One after the other: a seed is the same conversation whatever the compiler.
      const bool chunked = random() % 2 == 0;
      early += Response(name, Body(&random, piece), chunked, head);
      if (!pipelines || random() % 3 == 0) {
        talk.Say(kServerToClient, std::exchange(early, {}), piece);
      }
      bool all = !pipelines;
      for (size_t p = before; p < talk.pieces.size(); ++p) {
        talk.pieces[p].second.lost = random() % 12 == 0;
        talk.pieces[p].second.late = random() % 20 == 0;
        all &= !talk.pieces[p].second.lost;
      }
      captured.push_back(all);
    }
    talk.Say(kServerToClient, early, piece);
    Pairs out;
    FeedTalk(talk, &random, /*with_acknowledgements=*/true, &out);
    Pairs blind;
    FeedTalk(talk, &random, /*with_acknowledgements=*/false, &blind);
    for (const auto* all : {&out.pairs, &blind.pairs}) {
      for (const auto& [request, response] : *all) {
        if (!request.empty() && !response.empty()) {
          EXPECT_EQ(request, response) << "seed " << seed;
        }
      }
    }
    for (const auto& [request, response] : out.pairs) {
      if (pipelines) break;
      EXPECT_NE(request, "/embedded") << "seed " << seed;
      EXPECT_NE(response, "/embedded") << "seed " << seed;
    }
    for (size_t i = 0; i < exchanges; ++i) {
      // Behind a lost request it may be that one that is answered.
      if (!captured[i] || (i > 0 && !captured[i - 1])) continue;
      const std::string name = "/" + std::to_string(i);
      ++possible;
      pairs += out.pairs.count({name, name});
    }
  }
  EXPECT_GT(possible, 3000u);
  // Some cannot be told: the end of an upload is lost, and then the request behind it.
  EXPECT_GE(static_cast<double>(pairs), 0.995 * static_cast<double>(possible));
  EXPECT_LE(pairs, possible);
}

// A client that does not wait, whose first request is lost: that the one behind it was answered
// does not follow from two responses, nor who a later response is for.
TEST(HttpLosses, OfALostFirstRequestTheNextLossIsUncertain) {
  Talk talk;
  const auto get = [&](const std::string& name, bool lost) {
    talk.Say(kClientToServer, Request(name, "GET", ""), 1000);
    talk.pieces.back().second.lost = lost;
  };
  get("/0", true);
  get("/1", false);
  talk.pieces.back().second.had = 0;  // sent before the response to the other one
  const std::string answers = Response("/0", "a", false, false) + Response("/1", "b", false, false);
  talk.Say(kServerToClient, answers, 1000);
  get("/2", true);
  get("/3", false);
  talk.Say(kServerToClient, Response("/2", "c", false, false), 1000);
  talk.Say(kServerToClient, Response("/3", "d", false, false), 1000);
  for (uint64_t seed = 0; seed < 20; ++seed) {
    std::mt19937_64 random(seed);
    Pairs out;
    FeedTalk(talk, &random, /*with_acknowledgements=*/true, &out);
    EXPECT_EQ(out.pairs.count({"/3", "/2"}), 0u) << "seed " << seed;
    EXPECT_EQ(out.pairs.count({"/1", "/0"}), 0u) << "seed " << seed;
    EXPECT_EQ(out.pairs.size(), 6u) << "each request and response by itself";
  }
}

// Who opened the connection answers: what waits for it is not overtaken, whoever turns out to ask.
TEST(HttpLosses, TheSideThatAcceptedMayAsk) {
  const HttpParserConfig config(true);
  for (size_t cut = 1; cut < 200; cut += 7) {
    Pairs out;
    HttpDialogue dialogue(config, {}, &out);
    const std::string post = Request("/a", "POST", std::string(300, 'p'));
    const std::string ok = Response("/before", "x", false, false);
    dialogue.Bytes(kServerToClient, 0, AsBytes(post).first(cut), 0, ok.size());
    dialogue.Bytes(kClientToServer, 0, AsBytes(ok), 0, 0);
    dialogue.Bytes(kServerToClient, cut, AsBytes(post).subspan(cut), 0, ok.size());
    dialogue.Bytes(kClientToServer, ok.size(), AsBytes(Response("/a", "y", false, false)), 0,
                   post.size());
    dialogue.Close({true, true});
    out.Finish();
    EXPECT_EQ(out.bodies[0]["/a"], std::string(300, 'p')) << cut;
    EXPECT_EQ(out.pairs.count({"/a", "/a"}), 1u) << cut;
  }
}

}  // namespace
}  // namespace flowstitch
