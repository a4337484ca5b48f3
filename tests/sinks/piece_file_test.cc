#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <random>

#include "sinks/streams/piece_file.h"
#include "tests/support/random_text.h"
#include "tests/support/temporary_directory.h"

namespace flowstitch {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::Pair;
using namespace flowstitch::testing;

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

}  // namespace
}  // namespace flowstitch
