// Files in a directory where somebody else may put what he likes.
#include "sinks/streams/output_files.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>
#include <fstream>
#include <functional>
#include <thread>

#include "sinks/streams/append_file.h"
#include "sinks/streams/piece_file.h"
#include "sinks/streams/safe_file.h"
#include "tests/support/temporary_directory.h"

namespace flowstitch {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Pair;
using testing::TemporaryDirectory;

class OutputFiles : public ::testing::Test {
 protected:
  void SetUp() override {
    ASSERT_TRUE(NameOutputDirectory(ours_.path()).ok());
    Fill(victim_, "precious");
  }
  void TearDown() override { ForgetOutputDirectories(); }
  static void Fill(const std::string& path, const std::string& text) {
    std::ofstream(path, std::ios::binary) << text;
  }
  static std::string Content(const std::string& path) {
    std::ifstream file(path, std::ios::binary);
    return {std::istreambuf_iterator<char>(file), {}};
  }
  static int Close(int fd) { return fd < 0 ? errno : close(fd); }
  std::string Path(const std::string& name) const { return ours_.path() + "/" + name; }

  TemporaryDirectory ours_;
  TemporaryDirectory others_;
  const std::string victim_ = others_.path() + "/victim";
};

// What somebody else may have put in a file's place, whoever writes there.
TEST_F(OutputFiles, WhatLiesInAFilesPlaceIsNeverWrittenThrough) {
  const std::pair<const char*, std::function<int(const std::string&)>> traps[] = {
      {"a link", [&](const std::string& at) { return symlink(victim_.c_str(), at.c_str()); }},
      {"a link to nothing",
       [&](const std::string& at) {
         return symlink((others_.path() + "/new").c_str(), at.c_str());
       }},
      {"a second name", [&](const std::string& at) { return link(victim_.c_str(), at.c_str()); }},
      {"a pipe", [&](const std::string& at) { return mkfifo(at.c_str(), 0600); }},
  };
  PieceMemory memory;
  const std::pair<const char*, std::function<absl::Status(const std::string&)>> writers[] = {
      {"PartFile",
       [](const std::string& path) {
         PartFile file;
         absl::Status status = file.Open(path.substr(0, path.size() - 5));
         status.Update(file.Append(AsBytes(std::string_view("bytes"))));
         status.Update(file.Commit(path.substr(0, path.size() - 5)));
         return status;
       }},
      {"PieceFile",
       [&](const std::string& path) {
         PieceFile file(&memory);
         file.Begin(path, 100);
         absl::Status status = file.Append(AsBytes(std::string_view("bytes")));
         status.Update(file.Commit(path, 0));
         return status;
       }},
      {"AppendFile",
       [](const std::string& path) {
         AppendFile file(path);
         absl::Status status = file.Append(AsBytes(std::string_view("bytes")));
         status.Update(file.Finish(0));
         return status;
       }},
  };
  int number = 0;
  for (const auto& [trap, lay] : traps) {
    for (const auto& [writer, write] : writers) {
      const std::string path = Path(std::to_string(++number) + ".part");
      ASSERT_EQ(lay(path), 0);
      const absl::Status status = write(path);
      EXPECT_EQ(Content(victim_), "precious") << writer << ", " << trap;
      EXPECT_NE(access((others_.path() + "/new").c_str(), F_OK), 0) << writer << ", " << trap;
      // Either the trap is gone or the error names the file.
      if (!status.ok()) {
        EXPECT_THAT(std::string(status.message()), HasSubstr(path)) << writer << ", " << trap;
      }
    }
  }
}

TEST_F(OutputFiles, AFileThatWasExchangedMeanwhileIsAnError) {
  const std::string path = Path("file");
  ASSERT_EQ(Close(OpenOutput(path, O_WRONLY | O_CREAT | O_EXCL)), 0);
  ASSERT_EQ(Close(OpenOutput(path, O_WRONLY)), 0);
  const std::pair<int, std::function<int()>> exchanges[] = {
      {EMLINK, [&] { return link(victim_.c_str(), path.c_str()); }},
      {ELOOP, [&] { return symlink(victim_.c_str(), path.c_str()); }},
      {ENXIO, [&] { return mkfifo(path.c_str(), 0600); }},
      {ENOENT, [] { return 0; }},
  };
  for (const auto& [error, exchange] : exchanges) {
    ASSERT_EQ(unlink(path.c_str()) != 0 && errno != ENOENT, false);
    ASSERT_EQ(exchange(), 0);
    EXPECT_EQ(Close(OpenOutput(path, O_WRONLY)), error);
  }
}

TEST_F(OutputFiles, NoStepFollowsALink) {
  ASSERT_EQ(symlink(others_.path().c_str(), Path("away").c_str()), 0);
  EXPECT_EQ(Close(OpenOutput(Path("away/file"), O_WRONLY | O_CREAT | O_EXCL)), ENOTDIR);
  EXPECT_THAT(std::string(MakeParentDirectories(Path("away/deep/file")).message()),
              HasSubstr(Path("away/deep")));
  EXPECT_EQ(access((others_.path() + "/file").c_str(), F_OK), -1);
  EXPECT_EQ(access((others_.path() + "/deep").c_str(), F_OK), -1);
}

// Files in "." have no directory before their names.
TEST_F(OutputFiles, NorInTheWorkingDirectory) {
  const std::string was = std::filesystem::current_path();
  std::filesystem::current_path(ours_.path());
  ForgetOutputDirectories();
  ASSERT_TRUE(NameOutputDirectory(".").ok());
  ASSERT_EQ(symlink(others_.path().c_str(), "000"), 0);
  for (const char* path : {"000/file", "./000/file"}) {
    EXPECT_EQ(Close(OpenOutput(path, O_WRONLY | O_CREAT | O_EXCL)), ENOTDIR) << path;
    EXPECT_FALSE(MakeParentDirectories(path).ok()) << path;
  }
  EXPECT_EQ(Close(CreateOutput("file")), 0);
  ASSERT_TRUE(MakeParentDirectories("a/b/file").ok());
  EXPECT_EQ(Close(CreateOutput("a/b/file")), 0);
  EXPECT_EQ(Close(CreateOutput(others_.path() + "/absolute")), 0) << "lies elsewhere";
  const std::string up = "../" + std::filesystem::path(others_.path()).filename().string();
  EXPECT_EQ(Close(OpenNamedOutput(up + "/up")), 0) << "the user wrote it himself";
  std::filesystem::current_path(was);
  EXPECT_THAT(ours_.Files(), ElementsAre(Pair("a/b/file", ""), Pair("file", "")));
}

TEST_F(OutputFiles, DirectoriesAreMadeAndFilesMovedAndRemovedInThem) {
  const std::string deep = Path("a/b//./c");
  ASSERT_TRUE(MakeParentDirectories(deep + "/one").ok());
  ASSERT_TRUE(MakeParentDirectories(deep + "/one").ok()) << "again";
  std::thread([&] { EXPECT_EQ(Close(CreateOutput(deep + "/one")), 0); }).join();
  EXPECT_EQ(Close(CreateOutput(Path("two"))), 0);
  EXPECT_EQ(RenameOutput(deep + "/one", Path("three")), 0);
  EXPECT_EQ(RenameOutput(Path("two"), deep + "/four"), 0);
  EXPECT_EQ(RemoveOutput(Path("three")), 0);
  EXPECT_THAT(ours_.Files(), ElementsAre(Pair("a/b/c/four", "")));
  EXPECT_EQ(RemoveOutput(Path("three")), -1);
  // In no directory that was named: as it is.
  EXPECT_EQ(Close(CreateOutput(others_.path() + "/plain")), 0);
}

TEST_F(OutputFiles, ADirectoryThatIsReplacedIsNamed) {
  EXPECT_TRUE(CheckOutputDirectories().ok()) << CheckOutputDirectories();
  const std::string moved = ours_.path() + ".moved";
  ASSERT_EQ(rename(ours_.path().c_str(), moved.c_str()), 0);
  EXPECT_THAT(std::string(CheckOutputDirectories().message()), HasSubstr(ours_.path()));
  ASSERT_EQ(mkdir(ours_.path().c_str(), 0700), 0);
  EXPECT_THAT(std::string(CheckOutputDirectories().message()), HasSubstr(ours_.path()));
  EXPECT_EQ(Close(CreateOutput(Path("file"))), 0);
  EXPECT_TRUE(ours_.Files().empty()) << "nothing is written into a directory that was not named";
  ASSERT_EQ(rmdir(ours_.path().c_str()), 0);
  ASSERT_EQ(rename(moved.c_str(), ours_.path().c_str()), 0);
  EXPECT_TRUE(CheckOutputDirectories().ok());
}

TEST_F(OutputFiles, WhatAUserNamesIsWrittenAsHeMeansIt) {
  // A link of his own is followed, a file with a second name is left to that.
  ASSERT_EQ(symlink(victim_.c_str(), (others_.path() + "/link").c_str()), 0);
  EXPECT_EQ(Close(OpenNamedOutput(others_.path() + "/link")), 0);
  EXPECT_EQ(Content(victim_), "");
  Fill(victim_, "precious");
  ASSERT_EQ(link(victim_.c_str(), (others_.path() + "/hard").c_str()), 0);
  EXPECT_EQ(Close(OpenNamedOutput(others_.path() + "/hard")), 0);
  EXPECT_EQ(Content(victim_), "precious");
  // A pipe that is read is written, one that is not is an error after a while.
  const std::string pipe = others_.path() + "/pipe";
  ASSERT_EQ(mkfifo(pipe.c_str(), 0600), 0);
  EXPECT_EQ(Close(OpenNamedOutput(pipe)), ENXIO);
  const int reader = open(pipe.c_str(), O_RDONLY | O_NONBLOCK);
  EXPECT_EQ(Close(OpenNamedOutput(pipe)), 0);
  close(reader);
  // A file of his that is there stays the same one.
  const std::string file = others_.path() + "/file";
  Fill(file, "before");
  struct stat before = {};
  struct stat after = {};
  ASSERT_EQ(stat(file.c_str(), &before), 0);
  EXPECT_EQ(Close(OpenNamedOutput(file)), 0);
  ASSERT_EQ(stat(file.c_str(), &after), 0);
  EXPECT_EQ(before.st_ino, after.st_ino);
  EXPECT_EQ(after.st_size, 0);
  EXPECT_EQ(Close(OpenNamedOutput("/dev/null")), 0);
  const int standard = OpenNamedOutput("/dev/stdout");
  struct stat named = {};
  struct stat own = {};
  ASSERT_EQ(fstat(standard, &named), 0);
  ASSERT_EQ(fstat(STDOUT_FILENO, &own), 0);
  EXPECT_EQ(named.st_ino, own.st_ino);
  close(standard);
}

TEST_F(OutputFiles, TheDiskIsAskedWhereThatIsWanted) {
  const std::string path = Path("file");
  int pipe_ends[2];
  ASSERT_EQ(pipe(pipe_ends), 0);
  for (const Durability durable : {Durability::kOff, Durability::kSegment, Durability::kCommit}) {
    SetDurability(durable);
    const int fd = CreateOutput(path);
    EXPECT_TRUE(SyncComplete(fd, path).ok());
    EXPECT_TRUE(SyncComplete(pipe_ends[1], "a pipe").ok()) << "which keeps nothing";
    close(fd);
    // A descriptor that is none shows whether the disk is asked at all.
    EXPECT_EQ(SyncComplete(fd, path).ok(), durable == Durability::kOff);
    EXPECT_TRUE(SyncOutputs().ok());
  }
  SetDurability(Durability::kOff);
  close(pipe_ends[0]);
  close(pipe_ends[1]);
}

}  // namespace
}  // namespace flowstitch
