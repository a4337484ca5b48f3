// Content codings as they are declared and made: what browsers forgive decodes, and is named.
#include "sinks/content/http/content_coding.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <lzma.h>

#include <algorithm>
#include <random>

#include "tests/support/deflated.h"

namespace flowstitch {
namespace {

using ::testing::HasSubstr;
using ::testing::IsEmpty;
using namespace flowstitch::testing;

struct Decoded {
  absl::Status status;
  std::string text;
  std::string anomaly;
  bool finished = false;
};

Decoded Decode(const std::string& declared, const std::string& body, size_t piece) {
  Decoded decoded;
  std::unique_ptr<ContentDecoder> decoder;
  decoded.status = MakeContentDecoder(declared, {}, &decoder);
  if (!decoded.status.ok() || decoder == nullptr) return decoded;
  const auto out = [&decoded](ByteView bytes) {
    decoded.text.append(AsText(bytes));
    return absl::OkStatus();
  };
  for (size_t at = 0; at < body.size() && decoded.status.ok(); at += piece) {
    decoded.status =
        decoder->Feed(AsBytes(body).subspan(at, std::min(piece, body.size() - at)), out);
  }
  if (decoded.status.ok()) decoded.status = decoder->Finish(out);
  decoded.anomaly = decoder->anomaly();
  decoded.finished = decoder->finished();
  return decoded;
}

const std::string& Text() {
  static const std::string text = [] {
    std::string all;
    std::mt19937_64 random(5);
    while (all.size() < 3000) all += static_cast<char>('a' + random() % 20);
    return all;
  }();
  return text;
}

// A gzip header with these flags and fields before gzip's own compressed bytes.
std::string WithHeader(uint8_t flags, const std::string& fields) {
  std::string body = Gzip(Text());
  body[3] = static_cast<char>(flags);
  return body.insert(10, fields);
}

std::string Lzma(const std::string& text, bool old_form) {
  lzma_options_lzma options;
  lzma_lzma_preset(&options, 1);
  lzma_stream stream = LZMA_STREAM_INIT;
  EXPECT_EQ(old_form ? lzma_alone_encoder(&stream, &options)
                     : lzma_easy_encoder(&stream, 1, LZMA_CHECK_CRC32),
            LZMA_OK);
  std::string out(text.size() + 1000, '\0');
  stream.next_in = reinterpret_cast<const uint8_t*>(text.data());
  stream.avail_in = text.size();
  stream.next_out = reinterpret_cast<uint8_t*>(out.data());
  stream.avail_out = out.size();
  EXPECT_EQ(lzma_code(&stream, LZMA_FINISH), LZMA_STREAM_END);
  out.resize(stream.total_out);
  lzma_end(&stream);
  return out;
}

std::string Changed(std::string body, size_t from_end) {
  char& byte = body[body.size() - from_end];
  byte = static_cast<char>(~byte);
  return body;
}

struct Case {
  std::string declared;
  std::string body;
  std::string anomaly;  // a part of it; empty: none
};

TEST(ContentCoding, WhatBrowsersForgiveDecodes) {
  const std::string gzip = Gzip(Text());
  const std::string zlib = Deflated(Text(), 15);
  const std::string bare = Deflated(Text(), -15);
  using namespace std::string_literals;
  const Case cases[] = {
      // As it should be.
      {"gzip", gzip, ""},
      {"X-GZIP", gzip, ""},
      {"deflate", zlib, ""},
      {"deflate", bare, ""},
      {"gzip, deflate", Deflated(gzip, 15), ""},
      {"gzip", gzip + Gzip(""), ""},
      {"gzip", gzip + "trailing bytes", ""},
      {"lzma", Lzma(Text(), true), ""},
      {"xz", Lzma(Text(), false), ""},
      {"lzma", Lzma(Text(), false), ""},
      // Named as another one of its kind.
      {"gzip", zlib, ""},
      {"deflate", gzip, ""},
      // Declared oddly.
      {"gzip x", gzip, "declared in an odd way"},
      {": gzip", gzip, "declared in an odd way"},
      {"gzip;", gzip, "declared in an odd way"},
      {"\xa0gzip", gzip, "declared in an odd way"},
      {"def\0late\0"s, zlib, "declared in an odd way"},
      {"x-deflate", bare, ""},
      // Declared more often than applied.
      {"gzip, gzip", gzip, "declared gzip and is not"},
      {"deflate, gzip", bare, "declared deflate and is not"},
      {"gzip, deflate", gzip, "declared gzip and is not"},
      {"br, gzip", gzip, "declared br and is not"},
      {"gzip, br", gzip, "declared br and is not"},
      // gzip's header and trailer.
      {"gzip", WithHeader(8, "name\0"s), ""},
      {"gzip", WithHeader(4 | 8 | 16, "\3\0abcname\0comment\0"s), ""},
      {"gzip", WithHeader(2, "\1\2"), ""},
      {"gzip", WithHeader(0x20, ""), "reserved flags"},
      {"gzip", WithHeader(0xc0, ""), "reserved flags"},
      {"gzip", WithHeader(8, ""), "flags are wrong"},
      {"gzip", WithHeader(4, ""), "flags are wrong"},
      {"gzip", WithHeader(4 | 8 | 16, ""), "flags are wrong"},
      {"gzip", Changed(gzip, 8), "checksum is wrong"},
      {"gzip", Changed(gzip, 4), "length is wrong"},
      {"deflate", Changed(zlib, 1), "checksum is wrong"},
  };
  for (const Case& c : cases) {
    for (const size_t piece : {size_t{1}, size_t{7}, size_t{100'000}}) {
      const Decoded decoded = Decode(c.declared, c.body, piece);
      ASSERT_TRUE(decoded.status.ok()) << c.declared << " " << c.anomaly << decoded.status;
      ASSERT_EQ(decoded.text, Text()) << c.declared << " " << c.anomaly << " " << piece;
      EXPECT_TRUE(decoded.finished) << c.declared << " " << c.anomaly << " " << piece;
      if (c.anomaly.empty()) {
        EXPECT_THAT(decoded.anomaly, IsEmpty()) << c.declared;
      } else {
        EXPECT_THAT(decoded.anomaly, HasSubstr(c.anomaly)) << c.declared;
      }
    }
  }
}

TEST(ContentCoding, WhatIsNoneSaysWhichWasDeclared) {
  const std::pair<const char*, const char*> cases[] = {
      {"gzip", "it is not gzip"},       {"deflate", "it is not deflate"},
      {"br", "it is not br"},           {"zstd", "it is not zstd"},
      {"xz", "it is not xz"},           {"gzip, deflate", "it is not deflate"},
      {"rot13", "'rot13' is not known"}};
  for (const auto& [declared, why] : cases) {
    for (const size_t piece : {size_t{1}, size_t{1000}}) {
      const Decoded decoded = Decode(declared, "<html>not coded at all</html> by anybody", piece);
      EXPECT_THAT(std::string(decoded.status.message()), HasSubstr(why)) << declared;
    }
  }
  std::string broken = Gzip(Text());
  broken[broken.size() / 2] = static_cast<char>(~broken[broken.size() / 2]);
  broken.resize(broken.size() * 3 / 4);
  const Decoded decoded = Decode("gzip", broken, 100);
  EXPECT_FALSE(decoded.status.ok() && decoded.finished);
}

// Also where all of it comes at once, and much of it decodes before it breaks.
TEST(ContentCoding, WhatBreaksIsNotValid) {
  std::string broken("\x1f\x8b\x08\0\0\0\0\0\0\3", 10);
  constexpr size_t kBlock = 60'000;
  for (int i = 0; i < 2; ++i) {  // stored blocks
    broken += '\0';
    for (const size_t length : {kBlock, ~kBlock}) {
      broken += static_cast<char>(length);
      broken += static_cast<char>(length >> 8);
    }
    broken.append(kBlock, 'x');
  }
  broken += "\x07 no kind of block";
  for (const size_t piece : {size_t{1000}, broken.size()}) {
    const Decoded decoded = Decode("gzip", broken, piece);
    EXPECT_THAT(std::string(decoded.status.message()), HasSubstr("it is not valid gzip")) << piece;
    EXPECT_EQ(decoded.text, std::string(2 * kBlock, 'x'));
  }
}

// What is kept back until something decodes costs neither much memory nor much time.
TEST(ContentCoding, EmptyBlocksAreBounded) {
  std::string body("\x1f\x8b\x08\x08\0\0\0\0\0\3name\0", 15);
  for (int i = 0; i < 300'000; ++i) body.append("\0\0\0\xff\xff", 5);  // stored, empty
  const Decoded decoded = Decode("gzip", body, 5);
  EXPECT_TRUE(decoded.status.ok());
  EXPECT_EQ(decoded.text, "");
  EXPECT_FALSE(decoded.finished);
}

}  // namespace
}  // namespace flowstitch
