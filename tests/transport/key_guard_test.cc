// Who may connect: keys of a directory, by role and name.
#include "transport/key_guard.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <string>

#include "tests/support/temporary_directory.h"
#include "transport/link_keys.h"

namespace flowstitch {
namespace {

using namespace flowstitch::testing;

class AllowedDirectory : public ::testing::Test {
 protected:
  LinkKey Put(const std::string& name, std::vector<std::string> roles) {
    LinkKey key = *MakeLinkKey(name, std::move(roles));
    std::ofstream(directory_.path() + "/" + name + ".key") << FormatLinkKey(key, false);
    return key;
  }
  std::shared_ptr<const AllowedKeys> Read() {
    auto keys = allowed_.ReadIfChanged();
    EXPECT_TRUE(keys.ok()) << keys.status();
    return *keys;
  }
  TemporaryDirectory directory_;
  KeyDirectory allowed_{directory_.path()};
};

TEST_F(AllowedDirectory, AKeyActsInItsRolesOnly) {
  const LinkKey capture = Put("a", {"capture"});
  const LinkKey both = Put("b", {"capture", "sink"});
  const LinkKey stranger = *MakeLinkKey("c", {"capture"});
  const auto keys = Read();
  ASSERT_NE(keys, nullptr);
  EXPECT_EQ(keys->size(), 2u);
  std::string why;
  ASSERT_NE(keys->Find(capture.public_key, kCaptureRole, &why), nullptr);
  EXPECT_EQ(keys->Find(capture.public_key, kCaptureRole, &why)->name, "a");
  EXPECT_EQ(keys->Find(capture.public_key, kSinkRole, &why), nullptr);
  EXPECT_NE(why.find("sink"), std::string::npos) << why;
  EXPECT_NE(keys->Find(both.public_key, kSinkRole, &why), nullptr);
  why.clear();
  EXPECT_EQ(keys->Find(stranger.public_key, kCaptureRole, &why), nullptr);
  EXPECT_FALSE(why.empty());
  EXPECT_TRUE(keys->MayBeCalled(capture.public_key, "a"));
  EXPECT_FALSE(keys->MayBeCalled(capture.public_key, "b"));
  EXPECT_FALSE(keys->MayBeCalled(stranger.public_key, "c"));
}

TEST_F(AllowedDirectory, IsReadAgainWhenItChangesAndNotOtherwise) {
  const LinkKey first = Put("a", {"capture"});
  ASSERT_NE(Read(), nullptr);
  EXPECT_EQ(Read(), nullptr) << "nothing has changed";
  const LinkKey second = Put("b", {"sink"});
  const auto more = Read();
  ASSERT_NE(more, nullptr);
  EXPECT_EQ(more->size(), 2u);
  std::filesystem::remove(directory_.path() + "/a.key");
  const auto fewer = Read();
  ASSERT_NE(fewer, nullptr);
  std::string why;
  EXPECT_EQ(fewer->Find(first.public_key, kCaptureRole, &why), nullptr);
  EXPECT_NE(fewer->Find(second.public_key, kSinkRole, &why), nullptr);
}

TEST_F(AllowedDirectory, WhatIsNoKeyIsLeftOut) {
  Put("a", {"capture"});
  std::ofstream(directory_.path() + "/broken.key") << "no key";
  std::ofstream(directory_.path() + "/notes.txt") << "no key either";
  EXPECT_EQ(Read()->size(), 1u);
}

TEST_F(AllowedDirectory, OneThatIsNotThereIsAnError) {
  KeyDirectory none(directory_.path() + "/none");
  const auto keys = none.ReadIfChanged();
  EXPECT_FALSE(keys.ok());
  EXPECT_NE(std::string(keys.status().message()).find("none"), std::string::npos);
}

}  // namespace
}  // namespace flowstitch
