// Key files: what is read, what is refused and why, which names a key may have.
#include "transport/link_keys.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>

#include "tests/support/temporary_directory.h"
#include "transport/key_guard.h"

namespace flowstitch {
namespace {

namespace fs = std::filesystem;
using ::testing::HasSubstr;

class LinkKeys : public ::testing::Test {
 protected:
  void SetUp() override {
    const auto key = MakeLinkKey("sensor-a", {"capture"});
    ASSERT_TRUE(key.ok()) << key.status();
    key_ = *key;
  }

  std::string Path(const std::string& name) const { return directory_.path() + "/" + name; }
  std::string Write(const std::string& name, const std::string& text, mode_t mode = 0600) {
    const std::string path = Path(name);
    std::ofstream(path) << text;
    chmod(path.c_str(), mode);
    return path;
  }
  std::string WriteSecret(mode_t mode) {
    return Write("k.key_secret", FormatLinkKey(key_, true), mode);
  }
  std::string WhyNot(const std::string& path) {
    const auto key = ReadSecretKey(path);
    return key.ok() ? "" : std::string(key.status().message());
  }

  testing::TemporaryDirectory directory_;
  LinkKey key_;
};

TEST_F(LinkKeys, ASecretIsReadAsItWasWritten) {
  key_.names = {"sensor-*", "spare"};
  const auto read = ReadSecretKey(WriteSecret(0600));
  ASSERT_TRUE(read.ok()) << read.status();
  EXPECT_EQ(read->secret_key, key_.secret_key);
  EXPECT_EQ(read->name, "sensor-a");
  EXPECT_EQ(read->names, key_.names);
}

TEST_F(LinkKeys, TheModeOfTheFileDecides) {
  struct Case {
    mode_t mode;
    const char* why;  // "": accepted
  };
  // The group is this process's own.
  const Case cases[] = {{0600, ""},          {0400, ""},          {0440, ""},
                        {0640, ""},          {0644, "everybody"}, {0604, "everybody"},
                        {0660, "may write"}, {0620, "may write"}, {0602, "may write"},
                        {0601, "everybody"}};
  for (const Case& c : cases) {
    const std::string why = WhyNot(WriteSecret(c.mode));
    if (*c.why == '\0') {
      EXPECT_EQ(why, "") << std::oct << c.mode;
    } else {
      EXPECT_THAT(why, HasSubstr(c.why)) << std::oct << c.mode;
      EXPECT_THAT(why, HasSubstr("k.key_secret"));
    }
    fs::remove(Path("k.key_secret"));
  }
}

TEST_F(LinkKeys, OwnersAndGroupsOfOthersAreRefused) {
  if (geteuid() != 0) GTEST_SKIP() << "needs root to give files away";
  const std::string path = WriteSecret(0640);
  ASSERT_EQ(chown(path.c_str(), 0, 54321), 0);
  EXPECT_THAT(WhyNot(path), HasSubstr("a group that this process is not in"));
  ASSERT_EQ(chown(path.c_str(), 12345, 0), 0);
  EXPECT_THAT(WhyNot(path), HasSubstr("belongs to another user"));
  setenv("SUDO_UID", "12345", 1);
  EXPECT_EQ(WhyNot(path), "") << "whoever called sudo";
  unsetenv("SUDO_UID");
}

// As Kubernetes mounts secrets: a link to a link to the file.
TEST_F(LinkKeys, WhatALinkPointsToIsJudged) {
  const std::string path = WriteSecret(0440);
  fs::create_directory(Path("..data_1"));
  fs::rename(path, Path("..data_1/k"));
  fs::create_symlink("..data_1", Path("..data"));
  fs::create_symlink("..data/k", Path("link"));
  EXPECT_EQ(WhyNot(Path("link")), "");
  chmod(Path("..data_1/k").c_str(), 0444);
  EXPECT_THAT(WhyNot(Path("link")), HasSubstr("everybody"));
}

TEST_F(LinkKeys, NothingButRegularFilesIsReadAndNothingIsWaitedFor) {
  ASSERT_EQ(mkfifo(Path("fifo.key").c_str(), 0600), 0);
  fs::create_directory(Path("directory.key"));
  fs::create_symlink("/dev/zero", Path("zero.key"));
  for (const char* name : {"fifo.key", "directory.key", "zero.key"}) {
    const auto key = ReadPublicKey(Path(name));
    ASSERT_FALSE(key.ok());
    EXPECT_THAT(std::string(key.status().message()), HasSubstr("is not a regular file")) << name;
  }
  EXPECT_THAT(WhyNot(Write("large", std::string(100'000, 'x'))), HasSubstr("too large"));
}

TEST_F(LinkKeys, ADirectoryIsReadAroundWhatIsNoKey) {
  Write("a.key", FormatLinkKey(key_, false), 0644);
  ASSERT_EQ(mkfifo(Path("fifo.key").c_str(), 0600), 0);
  Write("noise.key", "\x01\x02");
  KeyDirectory directory(directory_.path());
  auto keys = directory.ReadIfChanged();
  ASSERT_TRUE(keys.ok());
  ASSERT_NE(*keys, nullptr);
  EXPECT_EQ((*keys)->size(), 1u);
  std::string why;
  EXPECT_NE((*keys)->Find(key_.public_key, "capture", &why), nullptr);
  EXPECT_EQ((*keys)->Find(key_.public_key, "sink", &why), nullptr);
  EXPECT_THAT(why, HasSubstr("may not act as sink"));
  auto same = directory.ReadIfChanged();
  ASSERT_TRUE(same.ok());
  EXPECT_EQ(*same, nullptr) << "nothing has changed";
  fs::remove(Path("a.key"));
  auto without = directory.ReadIfChanged();
  ASSERT_TRUE(without.ok());
  ASSERT_NE(*without, nullptr);
  EXPECT_EQ((*without)->size(), 0u);
}

TEST_F(LinkKeys, AKeyIsForItsNameOrForThoseOfItsPatterns) {
  EXPECT_TRUE(key_.MayBeCalled("sensor-a"));
  EXPECT_FALSE(key_.MayBeCalled("sensor-b"));
  EXPECT_FALSE(key_.MayBeCalled(""));
  key_.names = {"sensor-*", "spare-?"};
  EXPECT_TRUE(key_.MayBeCalled("sensor-b"));
  EXPECT_TRUE(key_.MayBeCalled("spare-1"));
  EXPECT_FALSE(key_.MayBeCalled("spare-12"));
  EXPECT_FALSE(key_.MayBeCalled("center"));
  const auto read = ParseLinkKey(FormatLinkKey(key_, false), "x");
  ASSERT_TRUE(read.ok());
  EXPECT_EQ(read->names, key_.names);
}

}  // namespace
}  // namespace flowstitch
