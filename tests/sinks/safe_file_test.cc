// Files that are complete or not there.
#include "sinks/streams/safe_file.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <fstream>
#include <string>

#include "tests/support/temporary_directory.h"

namespace flowstitch {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Pair;
using namespace flowstitch::testing;

class PartFiles : public ::testing::Test {
 protected:
  std::string Path(const char* name) const { return directory_.path() + "/" + name; }
  TemporaryDirectory directory_;
};

TEST_F(PartFiles, HasItsNameOnlyWhenItIsComplete) {
  PartFile file;
  ASSERT_TRUE(file.Open(Path("report")).ok());
  ASSERT_TRUE(file.Append(AsBytes(std::string_view("abc"))).ok());
  file.Skip(2);
  ASSERT_TRUE(file.Append(AsBytes(std::string_view("d"))).ok());
  EXPECT_EQ(file.size(), 6u);
  EXPECT_EQ(directory_.Files().count("report"), 0u);
  ASSERT_TRUE(file.Commit(Path("report"), 5 * kNsPerSecond + 7).ok());
  EXPECT_THAT(directory_.Files(), ElementsAre(Pair("report", std::string("abc\0\0d", 6))));
  struct stat info = {};
  ASSERT_EQ(stat(Path("report").c_str(), &info), 0);
  EXPECT_EQ(info.st_mtim.tv_sec, 5);
  EXPECT_EQ(info.st_mtim.tv_nsec, 7);
}

TEST_F(PartFiles, WhatIsNotCommittedLeavesNothing) {
  {
    PartFile file;
    ASSERT_TRUE(file.Open(Path("a")).ok());
    ASSERT_TRUE(file.Append(AsBytes(std::string_view("abc"))).ok());
  }
  EXPECT_THAT(directory_.Files(), IsEmpty());
  PartFile file;
  ASSERT_TRUE(file.Open(Path("a")).ok());
  file.Discard();
  EXPECT_THAT(directory_.Files(), IsEmpty());
}

TEST_F(PartFiles, WhatWasThereIsReplacedAtOnceAndNotBefore) {
  std::ofstream(Path("a")) << "old";
  PartFile file;
  ASSERT_TRUE(file.Open(Path("a")).ok());
  ASSERT_TRUE(file.Append(AsBytes(std::string_view("new"))).ok());
  EXPECT_EQ(directory_.Files().at("a"), "old");
  ASSERT_TRUE(file.Commit(Path("a")).ok());
  EXPECT_THAT(directory_.Files(), ElementsAre(Pair("a", "new")));
}

TEST_F(PartFiles, ADeviceIsWrittenAsItIs) {
  PartFile file;
  ASSERT_TRUE(file.Open("/dev/null").ok());
  EXPECT_TRUE(file.direct());
  EXPECT_TRUE(file.Append(AsBytes(std::string_view("abc"))).ok());
  EXPECT_TRUE(file.Commit("/dev/null").ok());
  struct stat info = {};
  ASSERT_EQ(stat("/dev/null", &info), 0);
  EXPECT_TRUE(S_ISCHR(info.st_mode));
}

TEST_F(PartFiles, AFailureNamesThePath) {
  PartFile file;
  std::ofstream(Path("file")) << "no directory";
  EXPECT_THAT(std::string(file.Open(Path("file/a")).message()), HasSubstr("file/a"));
  const int fd = open("/dev/full", O_WRONLY);
  ASSERT_GE(fd, 0);
  const absl::Status full = WriteAll(fd, AsBytes(std::string_view("abc")), "somewhere");
  EXPECT_THAT(std::string(full.message()), HasSubstr("somewhere"));
  EXPECT_THAT(std::string(full.message()), HasSubstr("No space"));
  close(fd);
}

TEST_F(PartFiles, APrefixIsReadInOrderAndNoFurther) {
  std::string text;
  for (int i = 0; i < 300'000; ++i) text += static_cast<char>(i * 7 % 251);
  std::ofstream(Path("a")) << text;
  for (const uint64_t length : {uint64_t{0}, uint64_t{1}, uint64_t{65'536}, uint64_t{299'999},
                                uint64_t{300'000}, uint64_t{400'000}}) {
    std::string read;
    ASSERT_TRUE(ReadPrefix(Path("a"), length, [&](uint64_t offset, ByteView bytes) {
                  EXPECT_EQ(offset, read.size());
                  read += AsText(bytes);
                }).ok());
    EXPECT_EQ(read, text.substr(0, length)) << length;
  }
  EXPECT_TRUE(ReadPrefix(Path("none"), 5, [](uint64_t, ByteView) { FAIL(); }).ok());
}

}  // namespace
}  // namespace flowstitch
