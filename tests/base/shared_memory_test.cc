// Memory that processes share, and blocks of it.
#include "base/memory/shared_memory.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cstring>

#include "base/memory/memory_blocks.h"

namespace flowstitch {
namespace {

using ::testing::HasSubstr;

constexpr size_t kBlocks = 3;
constexpr uint64_t kBytes = kBlocks * SharedMemory::kBlockBytes;

class Shared : public ::testing::Test {
 protected:
  void SetUp() override {
    const auto made = SharedMemory::Make(kBlocks);
    ASSERT_TRUE(made.ok()) << made.status();
    descriptors_ = *made;
    auto writer = SharedMemory::OpenToWrite(dup(made->write));
    auto reader = SharedMemory::OpenToRead(dup(made->read));
    ASSERT_TRUE(writer.ok()) << writer.status();
    ASSERT_TRUE(reader.ok()) << reader.status();
    writer_ = *std::move(writer);
    reader_ = *std::move(reader);
  }
  void TearDown() override {
    close(descriptors_.write);
    close(descriptors_.read);
  }

  SharedMemory::Descriptors descriptors_;
  std::shared_ptr<SharedMemory> writer_;
  std::shared_ptr<const SharedMemory> reader_;
};

TEST_F(Shared, WhatOneWritesTheOtherReads) {
  EXPECT_EQ(writer_->id(), reader_->id());
  EXPECT_EQ(reader_->blocks(), kBlocks);
  for (size_t n = 0; n < kBlocks; ++n) {
    std::memset(writer_->Block(n), static_cast<int>('a' + n), SharedMemory::kBlockBytes);
  }
  for (size_t n = 0; n < kBlocks; ++n) {
    const ByteView block{writer_->Block(n), SharedMemory::kBlockBytes};
    EXPECT_TRUE(writer_->Has(block));
    EXPECT_FALSE(reader_->Has(block)) << "there it lies elsewhere";
    const auto seen = reader_->View(writer_->OffsetOf(block), block.size());
    ASSERT_TRUE(seen.has_value());
    EXPECT_EQ(AsText(*seen), std::string(block.size(), static_cast<char>('a' + n)));
  }
}

TEST_F(Shared, NothingBeyondItsEndIsGiven) {
  EXPECT_TRUE(reader_->View(0, kBytes).has_value());
  EXPECT_TRUE(reader_->View(kBytes, 0).has_value());
  EXPECT_TRUE(reader_->View(kBytes - 1, 1).has_value());
  EXPECT_FALSE(reader_->View(kBytes, 1).has_value());
  EXPECT_FALSE(reader_->View(1, kBytes).has_value());
  EXPECT_FALSE(reader_->View(UINT64_MAX, 1).has_value());
  EXPECT_FALSE(reader_->View(1, UINT64_MAX).has_value());
  EXPECT_FALSE(reader_->View(UINT64_MAX, UINT64_MAX).has_value());
  EXPECT_FALSE(writer_->Has({writer_->Block(kBlocks - 1), SharedMemory::kBlockBytes + 1}));
}

TEST_F(Shared, TheReaderCannotWriteAndNobodyCanCutIt) {
  EXPECT_FALSE(SharedMemory::OpenToWrite(dup(descriptors_.read)).ok());
  EXPECT_NE(ftruncate(descriptors_.write, 0), 0);
  EXPECT_NE(ftruncate(descriptors_.write, 1 << 30), 0);
}

TEST(SharedMemory, OtherDescriptorsAreRefused) {
  int pipe_ends[2];
  ASSERT_EQ(pipe(pipe_ends), 0);
  const int unsealed = memfd_create("test", MFD_ALLOW_SEALING);
  const int empty = memfd_create("test", MFD_ALLOW_SEALING);
  const int foreign = memfd_create("test", MFD_ALLOW_SEALING);
  ASSERT_EQ(ftruncate(unsealed, 1 << 21), 0);
  ASSERT_EQ(ftruncate(foreign, 1 << 21), 0);
  const int seals = F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL;
  ASSERT_EQ(fcntl(empty, F_ADD_SEALS, seals), 0);
  ASSERT_EQ(fcntl(foreign, F_ADD_SEALS, seals), 0);
  for (const int fd : {pipe_ends[0], open("/dev/null", O_RDONLY), open("/proc/self/exe", O_RDONLY),
                       unsealed, empty, 9999}) {
    const auto opened = SharedMemory::OpenToRead(fd);
    ASSERT_FALSE(opened.ok());
    EXPECT_THAT(std::string(opened.status().message()),
                HasSubstr("descriptor " + std::to_string(fd) + " is not of memory"));
    close(fd);
  }
  close(pipe_ends[1]);
  const auto opened = SharedMemory::OpenToRead(foreign);
  ASSERT_FALSE(opened.ok());
  EXPECT_THAT(std::string(opened.status().message()), HasSubstr("not of a flowstitch process"));
}

TEST_F(Shared, BlocksOfItGoFirst) {
  const MemoryBlocks blocks(writer_);
  auto a = blocks.Take();
  auto b = blocks.TakeShared();
  auto c = blocks.Take();
  EXPECT_EQ(blocks.TakeShared(), nullptr);
  auto own = blocks.Take();
  for (const auto& block : {a, b, c}) {
    EXPECT_TRUE(writer_->Has({block.get(), MemoryBlocks::kBlockBytes}));
  }
  EXPECT_FALSE(writer_->Has({own.get(), 0}));
  const uint8_t* given_back = b.get();
  b = nullptr;
  own = nullptr;
  EXPECT_EQ(blocks.TakeShared().get(), given_back);
}

}  // namespace
}  // namespace flowstitch
