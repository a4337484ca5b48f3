// Frames on the disk: in order, bounded, kept until they were acknowledged.
#include "capture/files/spool.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <deque>
#include <filesystem>
#include <fstream>
#include <random>

#include "tests/support/packet_builder.h"
#include "tests/support/temporary_directory.h"

namespace flowstitch {
namespace {

using ::testing::HasSubstr;
using ::testing::IsEmpty;
using namespace flowstitch::testing;

SpoolOptions In(const TemporaryDirectory& directory, uint64_t size = 1 << 20) {
  SpoolOptions options;
  options.directory = directory.path() + "/spool";
  options.name = "sensor/a";
  options.size_bytes = size;
  options.file_bytes = 3000;
  return options;
}

CapturedPacket Numbered(uint32_t number, uint32_t link_type = kLinkEthernet) {
  Packet bytes(4 + number % 100);
  StoreBe16(bytes.data(), static_cast<uint16_t>(number >> 16));
  StoreBe16(bytes.data() + 2, static_cast<uint16_t>(number));
  CapturedPacket packet = Capture(bytes, 1'700'000'000 * kNsPerSecond + number, link_type);
  packet.wire_length += number % 7;
  return packet;
}

void ExpectFrame(const Frame& frame, const CapturedPacket& wanted) {
  EXPECT_EQ(AsText(frame.bytes), AsText(wanted.bytes));
  EXPECT_EQ(frame.time_ns, wanted.time_ns);
  EXPECT_EQ(frame.wire_length, wanted.wire_length);
  EXPECT_EQ(frame.link_type, wanted.link_type);
}

size_t Files(const std::string& directory) {
  size_t count = 0;
  for ([[maybe_unused]] const auto& entry : std::filesystem::directory_iterator(directory)) ++count;
  return count;
}

TEST(Spool, GivesBackWhatItTookInOrderAlsoAfterARestart) {
  for (uint64_t seed = 1; seed <= 60; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    std::mt19937_64 random(seed);
    TemporaryDirectory directory;
    const SpoolOptions options = In(directory);
    auto spool = *Spool::Open(options);
    std::deque<CapturedPacket> model;               // not given so far
    std::deque<CapturedPacket> acknowledged_model;  // given, not acknowledged
    uint32_t number = 0;
    uint64_t sequence = 0;
    for (int step = 0; step < 600; ++step) {
      const uint64_t what = random() % 100;
      if (what < 55) {
        const CapturedPacket packet =
            Numbered(number++, random() % 50 == 0 ? kLinkRaw : kLinkEthernet);
        ASSERT_TRUE(spool->Append(packet.frame()));
        model.push_back(packet);
      } else if (what < 95) {
        Frame frame;
        ASSERT_EQ(spool->Next(&frame), !model.empty());
        if (model.empty()) continue;
        ExpectFrame(frame, model.front());
        acknowledged_model.push_back(model.front());
        model.pop_front();
      } else if (what < 98) {
        spool->Handed(++sequence);
        spool->Acknowledged(sequence);
        acknowledged_model.clear();
      } else {
        // Killed, and started again: what was given and not acknowledged may come again, all else
        // comes.
        spool->Flush(0);
        spool = *Spool::Open(options);
        Frame frame;
        while (spool->frames() > model.size()) ASSERT_TRUE(spool->Next(&frame));
        ASSERT_EQ(spool->frames(), model.size());
      }
      ASSERT_EQ(spool->frames(), model.size());
      ASSERT_EQ(spool->empty(), model.empty());
    }
    Frame frame;
    while (spool->Next(&frame)) {
      ExpectFrame(frame, model.front());
      model.pop_front();
    }
    EXPECT_THAT(model, IsEmpty());
    spool->Handed(++sequence);
    spool->Acknowledged(sequence - 1);
    spool->Acknowledged(sequence);
    EXPECT_LE(Files(options.directory), 1u);
    EXPECT_TRUE(spool->status().ok()) << spool->status();
  }
}

TEST(Spool, TakesNoMoreThanItMay) {
  TemporaryDirectory directory;
  const SpoolOptions options = In(directory, 10'000);
  auto spool = *Spool::Open(options);
  uint32_t taken = 0;
  while (spool->Append(Numbered(taken).frame())) ++taken;
  EXPECT_GT(taken, 100u);
  EXPECT_LE(spool->bytes(), 10'000u);
  EXPECT_TRUE(spool->status().ok());
  Frame frame;
  for (uint32_t i = 0; i < taken; ++i) {
    ASSERT_TRUE(spool->Next(&frame));
    ExpectFrame(frame, Numbered(i));
  }
  spool->Handed(1);
  EXPECT_FALSE(spool->Append(Numbered(taken).frame())) << "not acknowledged so far";
  spool->Acknowledged(1);
  EXPECT_TRUE(spool->Append(Numbered(taken).frame()));
}

TEST(Spool, ADamagedFileCostsItselfOnly) {
  TemporaryDirectory directory;
  const SpoolOptions options = In(directory);
  {
    auto spool = *Spool::Open(options);
    for (uint32_t i = 0; i < 200; ++i) ASSERT_TRUE(spool->Append(Numbered(i).frame()));
  }
  // Killed while it wrote: the last record is cut.
  std::vector<std::filesystem::path> files;
  for (const auto& entry : std::filesystem::directory_iterator(options.directory)) {
    files.push_back(entry.path());
  }
  std::sort(files.begin(), files.end());
  std::filesystem::resize_file(files.back(), std::filesystem::file_size(files.back()) - 3);
  auto spool = *Spool::Open(options);
  EXPECT_EQ(spool->found_frames(), 199u);
  std::ofstream(files.front(), std::ios::binary) << "no capture";  // somebody else's doing
  Frame frame;
  uint64_t given = 0;
  while (spool->Next(&frame)) ++given;
  EXPECT_EQ(given + spool->lost_frames(), 199u);
  EXPECT_GT(given, 100u);
  EXPECT_THAT(std::string(spool->status().message()), HasSubstr(files.front().string()));
}

TEST(Spool, ADirectoryThatCannotBeIsNamed) {
  TemporaryDirectory directory;
  std::ofstream(directory.path() + "/spool") << "a file";
  const auto spool = Spool::Open(In(directory));
  ASSERT_FALSE(spool.ok());
  EXPECT_THAT(std::string(spool.status().message()), HasSubstr(directory.path() + "/spool"));
}

}  // namespace
}  // namespace flowstitch
