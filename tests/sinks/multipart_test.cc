#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <random>

#include "sinks/content/http/multipart.h"
#include "tests/support/random_text.h"

namespace flowstitch {
namespace {

using ::testing::ElementsAre;
using namespace flowstitch::testing;

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

// As cameras write them. However it is cut.
TEST(MultipartSplitter, DelimitersThatAreNotAsDeclared) {
  struct Case {
    std::string boundary;   // as declared
    std::string delimiter;  // as written
    bool first;             // there is one before the first part
    bool anomaly;
  };
  const Case cases[] = {
      {"x", "--x", true, false},     {"--x", "--x", true, true}, {"x", "x", true, true},
      {"x", "--other", true, true},  {"x", "--x", false, true},  {"--x", "----x", false, true},
      {"--x", "----x", true, false},
  };
  for (const Case& c : cases) {
    for (const bool lengths : {false, true}) {
      for (const bool closed : {false, true}) {
        std::string body = "\r\n";
        std::vector<std::string> wanted;
        for (int i = 0; i < 1500; ++i) {
          wanted.push_back("\xff\xd8 frame " + std::to_string(i) + " --x \r\n\xff\xd9");
          if (c.first || i > 0) body += c.delimiter + "\r\n";
          body += "Content-Type: image/jpeg\r\n";
          if (lengths) body += "Content-Length: " + std::to_string(wanted.back().size()) + "\r\n";
          body += "\r\n" + wanted.back() + "\r\n";
        }
        if (closed) body += c.delimiter + "--\r\n";
        for (const size_t piece : {size_t{1}, size_t{7}, size_t{1000}, body.size()}) {
          Parts found;
          MultipartSplitter splitter(c.boundary, &found, /*frames=*/true);
          for (size_t at = 0; at < body.size(); at += piece) {
            splitter.Feed(AsBytes(body).subspan(at, std::min(piece, body.size() - at)));
          }
          splitter.Finish();
          if (!closed && !lengths && !found.texts.empty()) {  // nobody says where the last ends
            EXPECT_EQ(found.texts.back(), wanted.back() + "\r\n");
            found.texts.back() = wanted.back();
          }
          EXPECT_EQ(found.texts, wanted) << c.boundary << " " << c.delimiter << " " << piece;
          EXPECT_EQ(splitter.complete(), closed || lengths) << c.delimiter << " " << piece;
          EXPECT_EQ(*splitter.anomaly() != '\0', c.anomaly) << c.delimiter;
        }
      }
    }
  }
}

// RFC 2046, 5.1: other bodies than cameras' may have anything before their first delimiter.
TEST(MultipartSplitter, APreambleIsNoDelimiter) {
  Parts found;
  MultipartSplitter splitter("X", &found);
  splitter.Feed(AsBytes(std::string_view(
      "--junk\r\nContent-Note: x\r\n\r\n--X\r\n\r\none\r\n--X\r\n\r\ntwo\r\n--X--")));
  splitter.Finish();
  EXPECT_THAT(found.texts, ElementsAre("one", "two"));
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

}  // namespace
}  // namespace flowstitch
