// What stands before the protocol proper: a proxy's opening, or a dialogue that asks for TLS.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <random>

#include "sinks/content/openings/proxy_opening.h"
#include "sinks/streams/stream_names.h"
#include "sinks/writers/content/content_writer.h"
#include "sinks/writers/tls/tls_watcher.h"
#include "tests/support/kept_records.h"
#include "tests/support/sink_flows.h"
#include "tests/support/temporary_directory.h"
#include "tests/support/tls_talk.h"

namespace flowstitch {
namespace {

using namespace flowstitch::testing;
using namespace std::string_literals;
using Verdict = ProxyOpening::Verdict;

constexpr char kGet[] = "GET /a HTTP/1.1\r\nHost: h\r\n\r\n";
constexpr char kOk[] = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";

struct Opening {
  // In turns, the client's first.
  std::vector<std::string> turns;
  ProxyRecord record;
};

std::vector<Opening> Openings() {
  const std::string version2 = "\r\n\r\n\0\r\nQUIT\n"s;
  const std::string address6("\x20\x01\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\x09", 16);
  return {
      {{"PROXY TCP4 203.0.113.9 198.51.100.2 56324 80\r\n"},
       {"proxy-1", "203.0.113.9", 56324, "198.51.100.2", 80}},
      {{"PROXY TCP6 2001:db8::9 2001:db8::2 1 65535\r\n"},
       {"proxy-1", "2001:db8::9", 1, "2001:db8::2", 65535}},
      {{"PROXY UNKNOWN\r\n"}, {"proxy-1"}},
      {{version2 + "\x21\x11\0\x0c\xcb\0\x71\x09\xc6\x33\x64\x02\xdc\x04\0\x50"s},
       {"proxy-2", "203.0.113.9", 56324, "198.51.100.2", 80}},
      {{version2 + "\x21\x21\0\x28"s + address6 + address6 + "\0\1\0\2\x04\0\1x"s},
       {"proxy-2", "2001:db8::9", 1, "2001:db8::9", 2}},
      {{version2 + "\x20\0\0\0"s}, {"proxy-2"}},
      {{"\4\1\0\x50\xc6\x33\x64\x02me\0"s, "\0\x5a\0\0\0\0\0\0"s},
       {"socks-4", "", 0, "198.51.100.2", 80}},
      {{"\4\1\1\xbb\0\0\0\1\0files.example\0"s, "\0\x5a\0\0\0\0\0\0"s},
       {"socks-4", "", 0, "files.example", 443}},
      {{"\5\1\0"s, "\5\0"s,
        "\5\1\0\3\x0d"
        "files.example\0\x50"s,
        "\5\0\0\1\0\0\0\0\0\0"s},
       {"socks-5", "", 0, "files.example", 80}},
      {{"\5\2\0\2"s, "\5\2"s, "\1\2me\3pwd"s, "\1\0"s, "\5\1\0\1\xc6\x33\x64\x02\0\x50"s,
        "\5\0\0\4"s + address6 + "\4\x38"s},
       {"socks-5", "", 0, "198.51.100.2", 80}},
  };
}

TEST(ProxyOpening, IsReadHoweverItIsCut) {
  for (const Opening& opening : Openings()) {
    std::string all[2];
    for (size_t i = 0; i < opening.turns.size(); ++i) all[i % 2] += opening.turns[i];
    for (size_t c = 0; c <= all[0].size(); ++c) {
      for (size_t s = 0; s <= all[1].size(); ++s) {
        const bool whole = c == all[0].size() && s == all[1].size();
        const ProxyOpening read = ReadProxyOpening(all[0].substr(0, c), all[1].substr(0, s));
        EXPECT_EQ(read.verdict, whole ? Verdict::kDone : Verdict::kUnsure)
            << opening.record.kind << " " << c << " " << s;
      }
    }
    const ProxyOpening read = ReadProxyOpening(all[0] + kGet, all[1] + kOk);
    EXPECT_EQ(read.client_bytes, all[0].size());
    EXPECT_EQ(read.server_bytes, all[1].size());
    EXPECT_EQ(read.record.kind, opening.record.kind);
    EXPECT_EQ(read.record.source, opening.record.source);
    EXPECT_EQ(read.record.source_port, opening.record.source_port);
    EXPECT_EQ(read.record.destination, opening.record.destination);
    EXPECT_EQ(read.record.destination_port, opening.record.destination_port);
  }
}

TEST(ProxyOpening, WhatIsNoneIsNone) {
  for (const auto& [client, server] : std::vector<std::pair<std::string, std::string>>{
           {"PROXY TCP4 203.0.113.9\r\n", ""},
           {"PROXY TCP9 a b 1 2\r\n", ""},
           {"PROXY " + std::string(200, 'x'), ""},
           {"PROPFIND / HTTP/1.1\r\n", ""},
           {"\r\n\r\n\0\r\nQUIT\n\x31\x11\0\x0c"s, ""},
           {"\r\n\r\nGET", ""},
           {"\4\1\0\x50\1\2\3\4\0"s, "\0\x5b\0\0\0\0\0\0"s},
           {"\4\7\0\x50"s, ""},
           {"\5\1\0"s, "\5\xff"s},
           {"\5\1\0"s, "HTTP"},
           {"\5\1\0\5\2\0\1"s, "\5\0"s},
           {"\5\1\0\5\1\0\1\1\2\3\4\0\x50"s, "\5\0\5\1\0\1"s},
           {"\4\1\0\x50\1\2\3\4"s + std::string(5000, 'u'), ""},
       }) {
    EXPECT_EQ(ReadProxyOpening(client, server).verdict, Verdict::kNone) << client.substr(0, 20);
  }
}

class Openings : public ::testing::Test {
 protected:
  // Gives turns to the writers, the client's first, each in one segment or cut at random.
  void Feed(const std::vector<std::string>& turns, uint64_t seed) {
    std::mt19937_64 random(seed);
    flow_ = MakeSinkFlow(0);
    kept_.emplace();
    ContentOptions options;
    options.keys = &keys_;
    options.records = kept_->hub();
    ContentWriter http(options, nullptr, 1, &ledger_);
    TlsWatcher watcher(0, kept_->hub());
    names_.Name(*flow_, kClientToServer);
    names_.Name(*flow_, kServerToClient);
    BatchHold hold;
    uint64_t offsets[2] = {};
    for (size_t i = 0; i < turns.size(); ++i) {
      for (size_t at = 0; at < turns[i].size();) {
        const size_t left = turns[i].size() - at;
        const size_t n = seed == 0 ? left : std::min<size_t>(left, 1 + random() % 30);
        for (Writer* writer : {static_cast<Writer*>(&watcher), static_cast<Writer*>(&http)}) {
          writer->OnBytes(*flow_, Direction(i % 2), offsets[i % 2],
                          AsBytes(turns[i]).subspan(at, n), 1, &hold);
        }
        offsets[i % 2] += n;
        at += n;
      }
    }
    watcher.OnClosed(*flow_);
    http.OnClosed(*flow_);
    record_ = &kept_->Close(*flow_);
  }
  const std::vector<HttpTransaction>& transactions() const { return kept_->transactions(); }

  SinkLedger ledger_;
  TlsKeys keys_;
  TemporaryDirectory directory_;
  StreamNames names_{directory_.path(), *NameTemplate::Parse("%b%C%c")};
  std::unique_ptr<SinkFlow> flow_;
  std::optional<KeptRecords> kept_;
  const FlowRecord* record_ = nullptr;
};

TEST_F(Openings, HttpBehindAProxyIsRead) {
  for (const Opening& opening : flowstitch::Openings()) {
    for (uint64_t seed = 0; seed < 20; ++seed) {
      std::vector<std::string> turns = opening.turns;
      if (turns.size() % 2 == 1) {
        turns.back() += kGet;
      } else {
        turns.push_back(kGet);
      }
      turns.push_back(kOk);
      Feed(turns, seed);
      ASSERT_EQ(transactions().size(), 1u) << opening.record.kind << " " << seed;
      ASSERT_TRUE(transactions()[0].request && transactions()[0].response);
      EXPECT_EQ(transactions()[0].request->head.target, "/a");
      ASSERT_TRUE(record_->proxy);
      EXPECT_EQ(record_->proxy->destination, opening.record.destination);
      EXPECT_TRUE(record_->streams[0].unread.empty() && record_->streams[1].unread.empty());
    }
  }
}

TEST_F(Openings, HttpBehindAnUnknownDialogueIsRead) {
  Feed({"hello, may I speak HTTP?", "yes you may", kGet, kOk, kGet, kOk}, 0);
  EXPECT_EQ(transactions().size(), 2u);
  // What only mentions a message is none.
  Feed({"send me your log", "here it comes", "go on", kGet, "thanks, and then?", kOk}, 0);
  EXPECT_EQ(transactions().size(), 0u);
}

// The dialogues before are each other protocol's own (RFC 3207, 9051, 2595, 4511; PostgreSQL's
// SSLRequest; XMPP, RFC 6120).
TEST_F(Openings, TlsThatIsAskedForIsRead) {
  const std::vector<std::vector<std::string>> dialogues = {
      {"", "220 mail.example ESMTP\r\n", "EHLO me\r\n", "250-mail.example\r\n250 STARTTLS\r\n",
       "STARTTLS\r\n", "220 go ahead\r\n"},
      {"", "* OK IMAP4rev1\r\n", "a STARTTLS\r\n", "a OK begin\r\n"},
      {"\0\0\0\x08\x04\xd2\x16\x2f"s, "S"},
      {"\x30\x1d\2\1\1\x77\x18\x80\x16"
       "1.3.6.1.4.1.1466.20037"s,
       "\x30\x0c\2\1\1\x78\7\x0a\1\0\4\0\4\0"s},
      {"<stream:stream><starttls/>", "<proceed/>"},
      {"PROXY TCP4 203.0.113.9 198.51.100.2 56324 443\r\n", ""},
      {"\5\1\0"s, "\5\0"s,
       "\5\1\0\3\x0d"
       "files.example\0\x50"s,
       "\5\0\0\1\0\0\0\0\0\0"s},
  };
  for (const int version : {TLS1_2_VERSION, TLS1_3_VERSION}) {
    const TlsTalk talk(version, "ECDHE-ECDSA-AES128-GCM-SHA256");
    keys_.Add(talk.log());
    for (const auto& dialogue : dialogues) {
      std::vector<std::string> turns = dialogue;
      for (const TlsTalk::Flight& flight : talk.flights()) {
        if (turns.size() % 2 != static_cast<size_t>(flight.end)) turns.emplace_back();
        turns.push_back(flight.bytes);
      }
      Feed(turns, 0);
      ASSERT_TRUE(record_->tls != nullptr && record_->tls->server_hello) << dialogue[0];
      for (const Direction end : kDirections) {
        ASSERT_EQ(record_->streams[end].plain.size(), 1u) << dialogue[0];
        EXPECT_EQ(record_->streams[end].plain[0].bytes, TlsTalk::All(end).size());
        EXPECT_TRUE(record_->streams[end].plain[0].complete) << record_->streams[end].plain[0].note;
      }
    }
  }
}

}  // namespace
}  // namespace flowstitch
