// HTTP bodies: messages, codings, gaps, cuts.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <zlib.h>

#include <random>

#include "sinks/content/http/content_coding.h"
#include "sinks/streams/file_names.h"
#include "sinks/writers/content/content_writer.h"
#include "sinks/writers/content/media_types.h"
#include "sinks/writers/flow_files/flow_file_writer.h"
#include "tests/support/deflated.h"
#include "tests/support/kept_records.h"
#include "tests/support/sink_flows.h"
#include "tests/support/temporary_directory.h"

namespace flowstitch {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Pair;
using namespace flowstitch::testing;

std::string Chunked(const std::string& body, size_t chunk) {
  std::string out;
  for (size_t at = 0; at < body.size(); at += chunk) {
    const std::string piece = body.substr(at, chunk);
    char size[32];
    std::snprintf(size, sizeof(size), "%zx;x=y\r\n", piece.size());
    out += size + piece + "\r\n";
  }
  return out + "0\r\nTrailer: yes\r\n\r\n";
}

std::string Message(const std::string& start, const std::string& headers, const std::string& body) {
  return start + "\r\n" + headers + "\r\n" + body;
}
std::string Ok(const std::string& headers, const std::string& body) {
  return Message("HTTP/1.1 200 OK",
                 headers + "Content-Length: " + std::to_string(body.size()) + "\r\n", body);
}
const char kGet[] = "GET / HTTP/1.1\r\nHost: h\r\n\r\n";

// Runs both streams of a flow, cut into pieces at random, and gives the bodies by the end of their
// names.
class Http : public ::testing::Test {
 protected:
  std::map<std::string, std::string> Bodies(const std::string& request, const std::string& response,
                                            uint64_t seed = 1,
                                            CloseReason reason = CloseReason::kFinished) {
    TemporaryDirectory directory;
    SinkLedger ledger;
    StreamNames names(directory.path(), *NameTemplate::Parse("%b%C%c"));
    KeptRecords kept;
    ContentOptions options;
    options.records = kept.hub();
    ContentWriter http(options, nullptr, 1, &ledger);
    auto flow = MakeSinkFlow(0);
    flow->close_reason = reason;
    std::mt19937_64 random(seed);
    BatchHold hold;
    for (const Direction d : kDirections) {
      const std::string& text = d == 0 ? request : response;
      for (size_t at = 0; at < text.size();) {
        const size_t n = std::min<size_t>(text.size() - at, 1 + random() % 200);
        const std::string piece = text.substr(at, n);
        names.Name(*flow, d);
        Give(http, *flow, d, at, piece, &hold);
        at += n;
      }
    }
    http.OnClosed(*flow);
    EXPECT_TRUE(http.status().ok()) << http.status();
    records.clear();
    for (const auto& stream : kept.Close(*flow).streams) {
      records.insert(records.end(), stream.bodies.begin(), stream.bodies.end());
    }
    auto files = directory.Files();
    return files;
  }
  std::vector<BodyRecord> records;
};

TEST_F(Http, BodiesOfEveryFraming) {
  const std::string text = "some body\n";
  for (uint64_t seed = 1; seed <= 30; ++seed) {
    EXPECT_THAT(Bodies(kGet, Ok("Content-Type: text/html; charset=x\r\n", text), seed),
                ElementsAre(Pair("40000-HTTPBODY-001.html", text)));
    EXPECT_THAT(
        Bodies(kGet, Message("HTTP/1.1 200 OK", "Transfer-Encoding: chunked\r\n", Chunked(text, 3)),
               seed),
        ElementsAre(Pair("40000-HTTPBODY-001", text)));
    EXPECT_THAT(
        Bodies(kGet, Message("HTTP/1.0 200 OK", "Content-Type: IMAGE/JPEG\r\n", text), seed),
        ElementsAre(Pair("40000-HTTPBODY-001.jpg", text)));
  }
}

TEST_F(Http, KeepAliveAndPipelining) {
  std::string requests;
  std::string responses;
  for (int i = 0; i < 20; ++i) {
    requests += kGet;
    responses += i % 2 == 0 ? Ok("Content-Type: text/css\r\n", "body " + std::to_string(i))
                            : Message("HTTP/1.1 200 OK", "Transfer-Encoding: chunked\r\n",
                                      Chunked("body " + std::to_string(i), 2));
  }
  const auto bodies = Bodies(requests, responses);
  ASSERT_EQ(bodies.size(), 20u);
  EXPECT_EQ(bodies.at("40000-HTTPBODY-001.css"), "body 0");
  EXPECT_EQ(bodies.at("40000-HTTPBODY-020"), "body 19");
}

TEST_F(Http, RequestsHaveBodiesToo) {
  const std::string post =
      "POST /up HTTP/1.1\r\nHost: h\r\nContent-Type: application/json\r\n"
      "Content-Length: 8\r\n\r\n{\"a\": 1}";
  EXPECT_THAT(Bodies(post, Ok("", "done")),
              ElementsAre(Pair("00080-HTTPBODY-001.json", "{\"a\": 1}"),
                          Pair("40000-HTTPBODY-001", "done")));
}

TEST_F(Http, AnswersWithoutABodySwallowNothing) {
  const std::string head = "HEAD / HTTP/1.1\r\nHost: h\r\n\r\n";
  const std::string length = "Content-Length: 100\r\n";
  const std::string responses = Message("HTTP/1.1 200 OK", length, "") +
                                Message("HTTP/1.1 304 Not Modified", length, "") +
                                Message("HTTP/1.1 204 No Content", "", "") + Ok("", "last");
  EXPECT_THAT(Bodies(head + kGet + kGet + kGet, responses),
              ElementsAre(Pair("40000-HTTPBODY-004", "last")));
}

TEST_F(Http, AnyNumberOfInterimResponses) {
  const std::string interim =
      "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: </a>; rel=preload\r\n\r\n"
      "HTTP/1.1 100 Continue\r\n\r\n";
  for (uint64_t seed = 1; seed <= 50; ++seed) {
    EXPECT_THAT(
        Bodies(std::string(kGet) + kGet, interim + Ok("", "one") + interim + Ok("", "two"), seed),
        ElementsAre(Pair("40000-HTTPBODY-004", "one"), Pair("40000-HTTPBODY-008", "two")))
        << seed;
  }
  // One that ends the flow, and a beginning that is none.
  EXPECT_THAT(Bodies(kGet, "HTTP/1.1 100 Continue\r\n"), IsEmpty());
  EXPECT_THAT(Bodies(kGet, "HTTP/1"), IsEmpty());
}

TEST_F(Http, AnInterimResponseCountsAsAMessage) {
  const std::string post =
      "POST / HTTP/1.1\r\nHost: h\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\nhi";
  EXPECT_THAT(Bodies(post, "HTTP/1.1 100 Continue\r\n\r\n" + Ok("", "after")),
              ElementsAre(Pair("00080-HTTPBODY-001", "hi"), Pair("40000-HTTPBODY-002", "after")));
}

TEST_F(Http, ContentCodingsAreTakenOff) {
  std::string text;
  for (int i = 0; i < 3000; ++i) text += "line " + std::to_string(i) + "\n";
  const std::pair<const char*, std::string> cases[] = {
      {"gzip", Gzip(text)},
      {"x-gzip", Gzip(text)},
      {"GZip", Gzip(text)},
      {"deflate", Deflated(text, 15)},
      {"deflate", Deflated(text, -15)},
      {"gzip", Deflated(text, 15)},
      {"gzip", Gzip(text.substr(0, 5000)) + Gzip(text.substr(5000))},
      {"gzip", Gzip(text) + "trailing"},
      {"gzip, gzip", Gzip(Gzip(text))},
      {"deflate, gzip", Gzip(Deflated(text, 15))},
      {"identity", text},
  };
  for (const auto& [coding, body] : cases) {
    const auto bodies =
        Bodies(kGet, Ok(std::string("Content-Encoding: ") + coding + "\r\n", body), 3);
    EXPECT_THAT(bodies, ElementsAre(Pair("40000-HTTPBODY-001", text))) << coding;
  }
}

TEST_F(Http, ABodyThatDoesNotDecodeIsKeptAsItCameWithAReason) {
  std::string text;
  for (int i = 0; i < 20'000; ++i) text += std::to_string(i * 7919 % 1000);
  std::string bad = Gzip(text);
  bad.replace(bad.size() / 2, 50, std::string(50, '\xff'));
  for (const std::string& body : {std::string("not gzip at all, plainly"), bad}) {
    EXPECT_THAT(Bodies(kGet, Ok("Content-Encoding: gzip\r\n", body)),
                ElementsAre(Pair("40000-HTTPBODY-001", body)));
    EXPECT_THAT(records[0].note, HasSubstr("kept as it came"));
  }
  EXPECT_THAT(Bodies(kGet, Ok("Content-Encoding: rot13\r\n", "obql")),
              ElementsAre(Pair("40000-HTTPBODY-001", "obql")));
  EXPECT_THAT(records[0].note, HasSubstr("'rot13' is not known"));
}

// libhtp passes over what stands between a chunk and its line end.
TEST_F(Http, AChunkThatIsLongerThanItsSizeSaysIsBroken) {
  for (const char* chunks : {"3\r\nabcXY\r\n0\r\n\r\n", "3\r\nabcXY\r\n2\r\nde\r\n0\r\n\r\n"}) {
    for (uint64_t seed = 1; seed <= 20; ++seed) {
      Bodies(kGet, Message("HTTP/1.1 200 OK", "Transfer-Encoding: chunked\r\n", chunks), seed);
      ASSERT_EQ(records.size(), 1u);
      EXPECT_FALSE(records[0].complete) << seed;
      EXPECT_THAT(records[0].note, HasSubstr("behind a chunk's end")) << seed;
    }
  }
}

// What was decoded before a hole, and the body as it came.
TEST_F(Http, ACodedBodyWithAHoleIsDecodedUpToIt) {
  std::string text;
  for (int i = 0; i < 50'000; ++i) text += std::to_string(i * 7919 % 100'003) + "\n";
  const std::string coded = Gzip(text);
  SinkLedger ledger;
  TemporaryDirectory directory;
  StreamNames names(directory.path(), *NameTemplate::Parse("%b%C%c"));
  KeptRecords kept;
  ContentOptions options;
  options.records = kept.hub();
  ContentWriter http(options, nullptr, 1, &ledger);
  auto flow = MakeSinkFlow(0);
  BatchHold hold;
  const std::string response = Ok("Content-Encoding: gzip\r\n", coded);
  const size_t half = response.size() / 2;
  names.Name(*flow, kClientToServer);
  names.Name(*flow, kServerToClient);
  http.OnBytes(*flow, kClientToServer, 0, AsBytes(std::string_view(kGet)), 1, &hold);
  http.OnBytes(*flow, kServerToClient, 0, AsBytes(response).first(half), 2, &hold);
  http.OnGap(*flow, kServerToClient, {half, 1000, GapReason::kTruncated});
  http.OnBytes(*flow, kServerToClient, half + 1000, AsBytes(response).subspan(half + 1000), 3,
               &hold);
  flow->close_reason = CloseReason::kFinished;
  http.OnClosed(*flow);
  const auto& bodies = kept.Close(*flow).streams[1].bodies;
  ASSERT_EQ(bodies.size(), 2u);
  std::string sent = coded;
  const size_t at = half - (response.size() - coded.size());
  std::fill_n(sent.begin() + static_cast<long>(at), 1000, '\0');
  const auto files = directory.Files();
  EXPECT_EQ(files.at("40000-HTTPBODY-001-incomplete"), sent);
  const std::string& decoded = files.at("40000-HTTPDECODED-001");
  EXPECT_GT(decoded.size(), text.size() / 3);
  EXPECT_EQ(decoded, text.substr(0, decoded.size()));
  EXPECT_EQ(bodies[1].note, "kept as it came: bytes are missing inside it");
  EXPECT_FALSE(bodies[0].complete || bodies[1].complete);
}

TEST_F(Http, IncompleteBodiesSaySoInTheirNames) {
  std::string cut = Ok("Content-Type: text/plain\r\n", "0123456789");
  cut.resize(cut.size() - 4);
  EXPECT_THAT(Bodies(kGet, cut), ElementsAre(Pair("40000-HTTPBODY-001-incomplete.txt", "012345")));
  EXPECT_FALSE(records[0].complete);
  std::string chunks =
      Message("HTTP/1.1 200 OK", "Transfer-Encoding: chunked\r\n", Chunked("0123456789", 10));
  chunks.resize(chunks.size() - 25);  // four bytes of the chunk, and all that follows it
  EXPECT_THAT(Bodies(kGet, chunks), ElementsAre(Pair("40000-HTTPBODY-001-incomplete", "012345")));
  std::string half = Gzip(std::string(5000, 'a') + std::string(5000, 'b'));
  half.resize(half.size() - 8);
  const auto bodies = Bodies(kGet, Ok("Content-Encoding: gzip\r\n", half));
  EXPECT_THAT(bodies, ElementsAre(Pair("40000-HTTPBODY-001-incomplete",
                                       std::string(5000, 'a') + std::string(5000, 'b'))));
  EXPECT_THAT(
      Bodies(kGet, Message("HTTP/1.0 200 OK", "", "until the end"), 1, CloseReason::kOpenAtEnd),
      ElementsAre(Pair("40000-HTTPBODY-001-incomplete", "until the end")));
}

TEST_F(Http, WhatIsNotHttpIsLeftAlone) {
  EXPECT_THAT(Bodies("EHLO me\r\nMAIL FROM: x\r\n", "220 ready\r\n250 ok\r\n"), IsEmpty());
  EXPECT_THAT(Bodies("\x16\x03\x01 tls", "\x16\x03\x03 tls"), IsEmpty());
  EXPECT_THAT(Bodies("", "HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nabc"),
              ElementsAre(Pair("40000-HTTPBODY-001", "abc")));
}

TEST_F(Http, CutAnywhereNothingBreaks) {
  const std::string request =
      "POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n" + Chunked("upload", 2);
  const std::string response =
      Message("HTTP/1.1 200 OK", "Transfer-Encoding: chunked\r\nContent-Encoding: gzip\r\n",
              Chunked(Gzip("download"), 7));
  for (size_t cut = 0; cut < request.size(); cut += 3) Bodies(request.substr(0, cut), response);
  for (size_t cut = 0; cut < response.size(); ++cut) {
    for (const auto& [name, body] : Bodies(request, response.substr(0, cut))) {
      if (name.find("00080") == 0) continue;
      EXPECT_TRUE(name.find("incomplete") != std::string::npos || body == "download") << cut;
    }
  }
}

TEST(HttpGaps, AGapInABodyOfKnownLengthIsAHole) {
  TemporaryDirectory directory;
  SinkLedger ledger;
  StreamNames names(directory.path(), *NameTemplate::Parse("%b%C%c"));
  KeptRecords kept;
  ContentOptions options;
  options.records = kept.hub();
  ContentWriter http(options, nullptr, 1, &ledger);
  auto flow = MakeSinkFlow(0);
  BatchHold hold;
  const auto give = [&](uint64_t offset, const std::string& text) {
    names.Name(*flow, kServerToClient);
    Give(http, *flow, kServerToClient, offset, text, &hold);
  };
  const std::string head = "HTTP/1.1 200 OK\r\nContent-Length: 30\r\n\r\n";
  give(0, head + "0123456789");
  http.OnGap(*flow, kServerToClient, {head.size() + 10, 10, GapReason::kAcknowledged});
  give(head.size() + 20, "abcdefghij" + Ok("", "next"));
  http.OnClosed(*flow);
  EXPECT_THAT(directory.Files(),
              ElementsAre(Pair("40000-HTTPBODY-001-incomplete",
                               "0123456789" + std::string(10, '\0') + "abcdefghij"),
                          Pair("40000-HTTPBODY-002", "next")));
}

TEST(ContentCoding, ABombStopsAtItsLimit) {
  // A gigabyte and a half of zeros in about 1.5 MB.
  z_stream z = {};
  deflateInit2(&z, 9, Z_DEFLATED, 31, 9, Z_DEFAULT_STRATEGY);
  std::string packed;
  std::string zeros(1 << 20, '\0');
  std::string out(1 << 20, '\0');
  for (int i = 0; i < 1536; ++i) {
    z.next_in = reinterpret_cast<Bytef*>(zeros.data());
    z.avail_in = static_cast<uInt>(zeros.size());
    z.next_out = reinterpret_cast<Bytef*>(out.data());
    z.avail_out = static_cast<uInt>(out.size());
    deflate(&z, i == 1535 ? Z_FINISH : Z_NO_FLUSH);
    packed.append(out.data(), out.size() - z.avail_out);
  }
  deflateEnd(&z);
  std::unique_ptr<ContentDecoder> decoder;
  DecodeLimits limits;
  limits.max_ratio = 1'000'000;  // the other limit
  ASSERT_TRUE(MakeContentDecoder("gzip", limits, &decoder).ok());
  uint64_t bytes = 0;
  const auto status = decoder->Feed(AsBytes(packed), [&](ByteView piece) {
    bytes += piece.size();
    return absl::OkStatus();
  });
  EXPECT_THAT(std::string(status.message()), HasSubstr("more than 1073741824 bytes"));
  EXPECT_LE(bytes, limits.max_bytes);
  // Long before that it is out of proportion.
  ASSERT_TRUE(MakeContentDecoder("gzip", {}, &decoder).ok());
  bytes = 0;
  const auto early = decoder->Feed(AsBytes(packed).first(100'000), [&](ByteView piece) {
    bytes += piece.size();
    return absl::OkStatus();
  });
  EXPECT_THAT(std::string(early.message()), HasSubstr("250 times"));
  EXPECT_LE(bytes, uint64_t{26} << 20);
  // And all bodies of a flow together: small ones add up.
  DecodeAccount account;
  bytes = 0;
  absl::Status all;
  int bodies = 0;
  while (all.ok() && bodies < 100) {
    ++bodies;
    ASSERT_TRUE(MakeContentDecoder("gzip", {}, &decoder, {&account, nullptr}).ok());
    all = decoder->Feed(AsBytes(packed).first(1000), [&](ByteView piece) {
      bytes += piece.size();
      return absl::OkStatus();
    });
  }
  EXPECT_LT(bodies, 100);
  EXPECT_LE(bytes, uint64_t{3} << 20);
  EXPECT_FALSE(MakeContentDecoder("gzip,gzip,gzip,gzip,gzip", {}, &decoder).ok());
}

TEST(MediaTypes, AsTcpflowNamesThem) {
  EXPECT_EQ(ExtensionFor("text/html"), "html");
  EXPECT_EQ(ExtensionFor(" TEXT/HTML ; charset=utf-8"), "html");
  EXPECT_EQ(ExtensionFor("audio/mpeg"), "mpga");
  EXPECT_EQ(ExtensionFor("video/mp4"), "m4v");
  EXPECT_EQ(ExtensionFor("text/javascript"), "");
  EXPECT_EQ(ExtensionFor("../../etc/passwd"), "");
  EXPECT_EQ(ExtensionFor(""), "");
}

}  // namespace
}  // namespace flowstitch
