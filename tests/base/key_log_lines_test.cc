#include "base/key_log_lines.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"

namespace flowstitch {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

struct Message {
  void add_tls_secrets(std::string text) { texts.push_back(std::move(text)); }
  std::vector<std::string> texts;
};

TEST(KeyLogLines, TextsAreJoinedLineByLine) {
  KeyLogLines secrets;
  secrets.AddAll(std::vector<std::string>{"a 1", "", "b 2\n", "c 3"});
  EXPECT_THAT(secrets.texts(), ElementsAre("a 1\nb 2\nc 3"));
  Message message;
  secrets.MoveTo(&message);
  EXPECT_THAT(message.texts, ElementsAre("a 1\nb 2\nc 3"));
  EXPECT_TRUE(secrets.empty());
  EXPECT_EQ(secrets.bytes(), 0u);
}

TEST(KeyLogLines, NoLineIsLostOrCutUpToTheLimitAndNoneIsTakenBeyond) {
  for (const size_t limit : {size_t{0}, size_t{1000}, size_t{300'000}}) {
    KeyLogLines secrets(limit);
    std::vector<std::string> wanted;
    size_t bytes = 0;
    for (size_t i = 0; i < 500; ++i) {
      const std::string line = std::to_string(i) + std::string(i * 7 % 3000, 'x');
      secrets.Add(line);
      if (bytes + line.size() + 1 > limit) continue;
      bytes += line.size() + 1;
      wanted.push_back(line);
    }
    for (const std::string& text : secrets.texts()) {
      EXPECT_LE(text.size(), KeyLogLines::kJoinedBytes + 1);
    }
    const std::string all = absl::StrJoin(secrets.texts(), "\n");
    const std::vector<std::string> lines = absl::StrSplit(all, '\n', absl::SkipEmpty());
    EXPECT_EQ(lines, wanted) << limit;
    EXPECT_LE(secrets.bytes(), limit);
  }
}

}  // namespace
}  // namespace flowstitch
