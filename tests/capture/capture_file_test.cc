// Capture files of all forms, and damaged ones.
#include "capture/files/capture_file.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <random>

#include "tests/support/packet_builder.h"

namespace flowstitch {
namespace {

using testing::CapturedPacket;
using ::testing::HasSubstr;
using testing::Packet;
using testing::PcapFile;
using testing::PcapngFile;

std::vector<CapturedPacket> Three() {
  std::vector<CapturedPacket> packets;
  for (int i = 0; i < 3; ++i) {
    packets.push_back({Packet(static_cast<size_t>(10 + i), static_cast<uint8_t>(i)),
                       static_cast<uint32_t>(100 + i),
                       1'600'000'000 * kNsPerSecond + 1'234'567 * (i + 1), kLinkEthernet});
  }
  return packets;
}

struct ReadResult {
  std::vector<CapturedPacket> packets;
  absl::Status status;
};

ReadResult ReadAll(const std::string& file) {
  ReadResult result;
  auto opened = CaptureFile::FromInput("test.pcap", InputBuffer::FromMemory(AsBytes(file)));
  if (!opened.ok()) return {{}, opened.status()};
  Frame frame;
  while ((*opened)->Next(&frame)) {
    result.packets.push_back({Packet(frame.bytes.begin(), frame.bytes.end()), frame.wire_length,
                              frame.time_ns, frame.link_type});
  }
  result.status = (*opened)->status();
  return result;
}

void ExpectSame(const std::vector<CapturedPacket>& got, const std::vector<CapturedPacket>& wanted,
                int64_t resolution_ns = 1) {
  ASSERT_EQ(got.size(), wanted.size());
  for (size_t i = 0; i < got.size(); ++i) {
    EXPECT_EQ(got[i].bytes, wanted[i].bytes);
    EXPECT_EQ(got[i].wire_length, wanted[i].wire_length);
    EXPECT_EQ(got[i].link_type, wanted[i].link_type);
    EXPECT_EQ(got[i].time_ns, wanted[i].time_ns / resolution_ns * resolution_ns);
  }
}

TEST(CaptureFile, ReadsPcapInBothOrdersAndResolutions) {
  for (const bool big : {false, true}) {
    for (const bool nanoseconds : {false, true}) {
      const ReadResult result = ReadAll(PcapFile(Three(), big, nanoseconds));
      EXPECT_TRUE(result.status.ok()) << result.status;
      ExpectSame(result.packets, Three(), nanoseconds ? 1 : 1000);
    }
  }
}

TEST(CaptureFile, ReadsPcapngWithSeveralInterfacesAndSections) {
  for (const bool big : {false, true}) {
    auto packets = Three();
    packets[1].link_type = kLinkRaw;
    const std::string file = PcapngFile(packets, big);
    const ReadResult result = ReadAll(file + PcapngFile(packets, !big));
    EXPECT_TRUE(result.status.ok()) << result.status;
    auto twice = packets;
    twice.insert(twice.end(), packets.begin(), packets.end());
    ExpectSame(result.packets, twice);
  }
}

// Frames of all sizes, so that they lie across the ends of blocks in every way.
TEST(CaptureFile, FramesStayAsLongAsTheirBlockIsKept) {
  std::mt19937 random(7);
  std::vector<CapturedPacket> packets;
  for (int i = 0; i < 400; ++i) {
    const bool large = i % 10 == 0;
    Packet bytes(std::uniform_int_distribution<size_t>(0, large ? kMaxFrameBytes : 9000)(random));
    for (uint8_t& byte : bytes) byte = static_cast<uint8_t>(random());
    const auto size = static_cast<uint32_t>(bytes.size());
    packets.push_back({std::move(bytes), size, kNsPerSecond * (i + 1), kLinkEthernet});
  }
  for (const std::string& file : {PcapFile(packets, false, true), PcapngFile(packets, true)}) {
    auto opened = CaptureFile::FromInput("test", InputBuffer::FromMemory(AsBytes(file)));
    ASSERT_TRUE(opened.ok());
    std::vector<std::pair<std::shared_ptr<const uint8_t[]>, ByteView>> kept;
    Frame frame;
    while ((*opened)->Next(&frame)) {
      const auto& block = (*opened)->KeepBlock();
      EXPECT_TRUE(InBlock(block, frame.bytes));
      kept.emplace_back(block, frame.bytes);
    }
    ASSERT_EQ(kept.size(), packets.size());
    for (size_t i = 0; i < kept.size(); ++i) {
      const ByteView bytes = kept[i].second;
      ASSERT_TRUE(
          std::equal(bytes.begin(), bytes.end(), packets[i].bytes.begin(), packets[i].bytes.end()))
          << i;
    }
  }
}

// Microseconds over a million carry over; a pcapng stamp below zero is before 1970.
TEST(CaptureFile, Case80c_StampsThatMakeNoSenseKeepTheirOrder) {
  std::string file = PcapFile(Three(), false, false);
  for (size_t i = 0; i < 4; ++i) file[24 + 4 + i] = "\xa0\x25\x26\x00"[i];
  ReadResult result = ReadAll(file);  // 2,500,000 microseconds
  ASSERT_EQ(result.packets.size(), 3u);
  EXPECT_EQ(result.packets[0].time_ns, 1'600'000'002 * kNsPerSecond + 500 * kNsPerMs);
  auto packets = Three();
  packets[0].time_ns = -505 * kNsPerSecond - 1000;
  packets[1].time_ns = -1000;
  packets[2].time_ns = 1000;
  result = ReadAll(PcapngFile(packets));
  ExpectSame(result.packets, packets);
}

// As `cat` joins them: every pair of forms, and an empty one between.
TEST(CaptureFile, CapturesThatWereJoinedAreReadToTheEnd) {
  const auto packets = Three();
  std::vector<CapturedPacket> other = packets;
  for (CapturedPacket& packet : other) packet.link_type = 101;  // raw IP
  const std::string forms[] = {PcapFile(packets, false, true), PcapFile(packets, true, true),
                               PcapngFile(packets), PcapFile(other, false, true)};
  const std::vector<CapturedPacket> contents[] = {packets, packets, packets, other};
  for (size_t i = 0; i < std::size(forms); ++i) {
    for (size_t j = 0; j < std::size(forms); ++j) {
      std::vector<CapturedPacket> wanted = contents[i];
      wanted.insert(wanted.end(), contents[j].begin(), contents[j].end());
      const ReadResult read = ReadAll(forms[i] + PcapFile({}, false, true) + forms[j]);
      EXPECT_TRUE(read.status.ok()) << i << " " << j << ": " << read.status;
      ExpectSame(read.packets, wanted);
    }
  }
  // A million of headers is no depth.
  std::string many;
  for (int i = 0; i < 1'000'000; ++i) many += PcapFile({}, i % 2 == 0, true);
  const ReadResult read = ReadAll(many + forms[0]);
  EXPECT_TRUE(read.status.ok()) << read.status;
  ExpectSame(read.packets, packets);
}

// A record may have the time that a header begins with: in 2055.
TEST(CaptureFile, ARecordThatBeginsAsAHeaderIsARecord) {
  std::vector<CapturedPacket> packets = Three();
  packets[1].time_ns = MakeTimeNs(0xa1b2c3d4, 262'146'000);  // "version 2.4"
  const ReadResult read = ReadAll(PcapFile(packets, false, true));
  EXPECT_TRUE(read.status.ok()) << read.status;
  ExpectSame(read.packets, packets);
}

TEST(CaptureFile, OtherProgramsCapturesAreNamed) {
  for (const auto& [start, name] :
       std::vector<std::pair<std::string, const char*>>{{std::string("snoop\0\0\0", 8), "snoop"},
                                                        {"GMBU", "Network Monitor 2"},
                                                        {"RTSS", "Network Monitor 1"},
                                                        {"iptrace 2.0", "iptrace 2"}}) {
    const std::string said(ReadAll(start + std::string(40, '\0')).status.message());
    EXPECT_THAT(said, HasSubstr(name));
    EXPECT_THAT(said, HasSubstr("editcap test.pcap test.pcap.pcapng"));
  }
  auto erf = CaptureFile::FromInput("a.erf", InputBuffer::FromMemory(AsBytes("................")));
  EXPECT_THAT(std::string(erf.status().message()), HasSubstr("editcap a.erf"));
}

TEST(CaptureFile, AnEmptyCaptureIsNoError) {
  EXPECT_TRUE(ReadAll(PcapFile({})).status.ok());
  EXPECT_TRUE(ReadAll(PcapngFile({})).status.ok());
}

TEST(CaptureFile, CutAnywhereTheFramesBeforeAreRead) {
  for (const bool ng : {false, true}) {
    const std::string file = ng ? PcapngFile(Three()) : PcapFile(Three());
    size_t whole = 0;
    for (size_t cut = 0; cut < file.size(); ++cut) {
      const ReadResult result = ReadAll(file.substr(0, cut));
      ASSERT_GE(result.packets.size(), whole);
      whole = result.packets.size();
      auto wanted = Three();
      wanted.resize(whole);
      ExpectSame(result.packets, wanted);
      if (!result.status.ok()) {
        EXPECT_THAT(std::string(result.status.message()), HasSubstr("test.pcap"));
      }
    }
    EXPECT_EQ(whole, 2u);
  }
}

TEST(CaptureFile, DamageNamesFileAndOffset) {
  std::string file = PcapFile(Three());
  const size_t second = 24 + 16 + 10;
  file[second + 8] = file[second + 9] = file[second + 10] = '\xff';
  const ReadResult result = ReadAll(file);
  EXPECT_EQ(result.packets.size(), 1u);
  EXPECT_THAT(std::string(result.status.message()),
              HasSubstr("'test.pcap' is damaged at offset 50"));
}

TEST(CaptureFile, WhatIsNoCaptureSaysSo) {
  for (const std::string& file : {std::string(), std::string("GIF89a and more of it, much more"),
                                  std::string(3, '\xd4'), std::string(100, '\0')}) {
    EXPECT_THAT(std::string(ReadAll(file).status.message()), HasSubstr("not a capture file"));
  }
  EXPECT_THAT(std::string(CaptureFile::Open("/no/such/file").status().message()),
              HasSubstr("'/no/such/file': No such file"));
  EXPECT_THAT(std::string(CaptureFile::Open("/").status().message()), HasSubstr("is a directory"));
}

TEST(CaptureFile, APcapngBlockThatPointsNowhereIsDamage) {
  const std::string good = PcapngFile(Three());
  for (size_t at = 28; at < good.size(); ++at) {
    std::string bad = good;
    bad[at] = '\xff';
    ReadAll(bad);  // no crash and no read beyond, under the sanitizers
  }
  std::string bad = good;
  bad[28 + 32 + 8] = 9;  // interface 9 of 1
  EXPECT_THAT(std::string(ReadAll(bad).status.message()), HasSubstr("packet block makes no sense"));
}

}  // namespace
}  // namespace flowstitch
