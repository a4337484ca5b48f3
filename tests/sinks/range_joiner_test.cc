#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <random>

#include "sinks/content/http/content_range.h"
#include "sinks/records/ranges/range_joiner.h"
#include "tests/support/random_text.h"
#include "tests/support/temporary_directory.h"

namespace flowstitch {
namespace {

using ::testing::IsEmpty;
using namespace flowstitch::testing;

TEST(RangeJoiner, AnyOrderOfFlowsAndThreadsGivesTheResource) {
  int with_holes = 0;
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
    // What is there, byte by byte.
    std::vector<bool> there(whole.size());
    size_t end = 0;
    for (const RangeRecord& range : ranges) {
      std::fill(there.begin() + static_cast<long>(range.first),
                there.begin() + static_cast<long>(range.last) + 1, true);
      end = std::max<size_t>(end, range.last + 1);
    }
    if (std::count(there.begin(), there.end(), false) > 0) {
      if (ranges.size() < 2) {
        EXPECT_THAT(joined, IsEmpty()) << "seed " << seed;
        continue;
      }
      if (joined.empty()) continue;  // one range holds all the others
      std::string holed = whole.substr(0, end);
      for (size_t i = 0; i < end; ++i) {
        if (!there[i]) holed[i] = '\0';
      }
      EXPECT_EQ(joined[0].record.path, stem + "-incomplete") << "seed " << seed;
      EXPECT_FALSE(joined[0].record.complete);
      EXPECT_THAT(joined[0].record.note, ::testing::HasSubstr(" of 2000 are there"));
      EXPECT_EQ(directory.Files().at(stem.substr(directory.path().size() + 1) + "-incomplete"),
                holed)
          << "seed " << seed;
      ++with_holes;
      continue;
    }
    if (ranges.size() == 1) {
      EXPECT_THAT(joined, IsEmpty()) << "seed " << seed;
      continue;
    }
    ASSERT_EQ(joined.size(), 1u) << "seed " << seed;
    EXPECT_TRUE(joined[0].record.complete);
    // Named by the first flow, whichever thread came first.
    EXPECT_EQ(joined[0].record.path, stem) << "seed " << seed;
    EXPECT_EQ(directory.Files().at(stem.substr(directory.path().size() + 1)), whole)
        << "seed " << seed;
  }
  EXPECT_GT(with_holes, 4);
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

}  // namespace
}  // namespace flowstitch
