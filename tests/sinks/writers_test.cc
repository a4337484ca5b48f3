// The smaller writers: captures, conversations, indexes, traffic in figures, TLS.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <random>

#include "sinks/content/tls/handshake_parser.h"
#include "sinks/writers/captures/flow_capture_writer.h"
#include "sinks/writers/captures/pcap_form.h"
#include "sinks/writers/console/console_writer.h"
#include "sinks/writers/conversation/conversation_writer.h"
#include "sinks/writers/find_index/find_index_writer.h"
#include "sinks/writers/netviz/traffic_page.h"
#include "tests/support/kept_records.h"
#include "tests/support/sink_flows.h"
#include "tests/support/temporary_directory.h"

namespace flowstitch {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::Pair;
using ::testing::SizeIs;
using namespace flowstitch::testing;

const std::string kName = "010.000.000.001.40000-192.168.001.200.00080";

class Writers : public ::testing::Test {
 protected:
  void SetUp() override {
    for (const char* ending : {"", ".pcap"}) names.AddEnding(ending);
  }
  TemporaryDirectory directory;
  SinkLedger ledger;
  BatchHold hold;
  StreamNames names{directory.path(), *NameTemplate::Parse(kDefaultNameTemplate)};
};

FrameRecord RecordOf(const SinkFlow& flow, std::string_view bytes, uint32_t link_type = 1) {
  FrameRecord frame;
  frame.bytes = AsBytes(bytes);
  frame.time_ns = 5'000'000'007;
  frame.link_type = link_type;
  frame.wire_length = 99;
  frame.of_flow = true;
  frame.flow_id = flow.id;
  return frame;
}

TEST_F(Writers, ACaptureTakesLateFramesOfItsFlow) {
  FlowCaptureWriter writer(&names, &ledger);
  auto flow = MakeSinkFlow(3);
  writer.OnFrame(flow.get(), RecordOf(*flow, "one"));
  writer.OnClosed(*flow);
  FrameRecord back = RecordOf(*flow, "back");
  back.direction = kServerToClient;
  writer.OnFrame(nullptr, RecordOf(*flow, "two"));
  writer.OnFrame(nullptr, back);
  writer.OnFrame(nullptr, RecordOf(*flow, "raw", 101));
  EXPECT_TRUE(writer.status().ok()) << writer.status();
  const auto files = directory.Files();
  ASSERT_THAT(files, SizeIs(3));
  const std::string& file = files.at(kName + ".pcap");
  EXPECT_EQ(file.size(), 24 + 2 * (16 + 3u));
  EXPECT_EQ(file.substr(0, 4), "\x4d\x3c\xb2\xa1");
  EXPECT_EQ(file.substr(24, 16), std::string("\5\0\0\0\7\0\0\0\3\0\0\0\x63\0\0\0", 16));
  EXPECT_EQ(file.substr(40, 3) + file.substr(59, 3), "onetwo");
  EXPECT_EQ(files.count(kName + ".101.pcap"), 1u);
  // Nobody knows this one.
  auto stranger = MakeSinkFlow(4, 1);
  writer.OnFrame(nullptr, RecordOf(*stranger, "lost"));
  EXPECT_EQ(ledger.refused_bytes, 4u);
}

TEST_F(Writers, AConversationAlternates) {
  KeptRecords records;
  ConversationWriter writer(0, {.md5 = true}, -1, &names, records.hub(), &ledger);
  auto flow = MakeSinkFlow(0);
  Give(writer, *flow, kClientToServer, 0, "ab", &hold);
  Give(writer, *flow, kServerToClient, 0, "cde", &hold);
  Give(writer, *flow, kClientToServer, 2, "f", &hold);
  writer.Flush();
  EXPECT_EQ(directory.Files().at(kName + "-CONVERSATION"), "abcdef") << "visible at once";
  writer.OnClosed(*flow);
  const ConversationRecord conversation = records.Close(*flow).conversation;
  EXPECT_EQ(conversation.bytes, 6u);
  EXPECT_EQ(conversation.digests.at(0).hex, "e80b5017098950fc58aad83c8c14978e");  // of abcdef
  EXPECT_EQ(directory.Files().at(kName + "-CONVERSATION.findx"),
            "0|1223309694.000000|2|client\n2|1223309694.000000|3|server\n"
            "5|1223309694.000000|1|client\n");
}

TEST_F(Writers, AnIndexIsVisibleBeforeTheFlowEnds) {
  FindIndexWriter writer(0, 4);
  auto flow = MakeSinkFlow(0);
  names.Name(*flow, kClientToServer);
  Give(writer, *flow, kClientToServer, 0, "abc", &hold);
  Give(writer, *flow, kClientToServer, 3, "def", &hold);
  Give(writer, *flow, kClientToServer, 6, "ghi", &hold);
  EXPECT_THAT(directory.Files(), IsEmpty());
  writer.Flush();
  EXPECT_THAT(directory.Files(), ElementsAre(Pair(kName + ".findx",
                                                  "0|1223309694.000000|3\n"
                                                  "3|1223309694.000000|1\n")));
}

// Figures of several workers are those of one.
TEST(TrafficProfile, PartsMergeToTheWhole) {
  for (uint64_t seed = 1; seed <= 20; ++seed) {
    std::mt19937_64 random(seed);
    TrafficProfile whole(1000);
    TrafficProfile parts[] = {TrafficProfile(1000), TrafficProfile(1000), TrafficProfile(1000)};
    BatchHold hold;
    uint64_t bytes = 0;
    for (int i = 0; i < 3000; ++i) {
      auto flow = MakeSinkFlow(static_cast<uint64_t>(i), static_cast<uint16_t>(random() % 50));
      flow->server.port = static_cast<uint16_t>(random() % 4);
      const std::string piece(1 + random() % 100, 'x');
      const TimeNs time =
          1'600'000'000 * kNsPerSecond +
          static_cast<int64_t>(random() % (i % 7 == 0 ? 1'000'000 : 1'000)) * kNsPerMs;
      bytes += piece.size();
      for (TrafficProfile* profile : {&whole, &parts[random() % 3]}) {
        profile->OnBytes(*flow, kClientToServer, 0, AsBytes(piece), time, &hold);
        profile->OnClosed(*flow);
      }
    }
    TrafficProfile merged(1000);
    for (const TrafficProfile& part : parts) merged.Merge(part);
    EXPECT_EQ(TrafficTable(merged), TrafficTable(whole));
    EXPECT_EQ(merged.packets, whole.packets);
    EXPECT_LE(whole.slots.size(), TrafficProfile::kMaxTimes);
    uint64_t in_slots = 0;
    for (const auto& [slot, ports] : merged.slots) {
      for (const auto& [port, count] : ports) in_slots += count;
    }
    EXPECT_EQ(in_slots, bytes) << "no byte is lost when times are taken together";
  }
}

TEST(TopCounter, IsBoundedAndLosesNothing) {
  TopCounter counter(10);
  std::mt19937_64 random(1);
  uint64_t total = 0;
  for (int i = 0; i < 100'000; ++i) {
    const uint64_t bytes = random() % 100;
    counter.Add(std::to_string(random()), bytes);
    total += bytes;
  }
  counter.Add("large", 1'000'000'000);
  uint64_t sum = 0;
  for (const auto& [name, bytes] : counter.Top(SIZE_MAX)) sum += bytes;
  EXPECT_EQ(sum, total + 1'000'000'000);
  EXPECT_LE(counter.Top(SIZE_MAX).size(), 22u);
  EXPECT_EQ(counter.Top(1).at(0).first, "large");
}

// A client's hello, field by field (RFC 8446, 4.1.2).
std::string Hello() {
  const auto vector16 = [](const std::string& s) {
    return std::string{static_cast<char>(s.size() >> 8), static_cast<char>(s.size())} + s;
  };
  const std::string name = "host.example";
  const std::string extensions =
      std::string("\0\0", 2) + vector16(vector16(std::string(1, '\0') + vector16(name))) +
      std::string("\0\x10", 2) + vector16(vector16("\2h2")) + std::string("\0\x2b", 2) +
      vector16(std::string("\6\x1a\x1a\3\4\3\3", 7));
  const std::string body = "\3\3" + std::string(32, 'r') + std::string(1, '\0') +
                           vector16("\x13\x01") + std::string("\1\0", 2) + vector16(extensions);
  const std::string message = std::string("\1\0", 2) + vector16(body);
  return "\x16\3\1" + vector16(message);
}

TEST(HandshakeParser, ReadsAHelloInAnyPieces) {
  const std::string hello = Hello();
  for (size_t cut = 0; cut <= hello.size(); ++cut) {
    HandshakeParser parser;
    TlsFacts facts;
    parser.Feed(AsBytes(hello.substr(0, cut)), &facts);
    EXPECT_EQ(facts.client_hello, cut == hello.size()) << "nothing is said of a half";
    parser.Feed(AsBytes(hello.substr(cut)), &facts);
    EXPECT_EQ(facts.server_name, "host.example");
    EXPECT_THAT(facts.alpn_offered, ElementsAre("h2"));
    EXPECT_EQ(facts.offered_version, 0x0304) << "GREASE is no version";
  }
}

TEST(HandshakeParser, WhateverComesItEnds) {
  std::mt19937_64 random(7);
  for (int i = 0; i < 20'000; ++i) {
    std::string bytes = Hello();
    for (uint64_t n = 1 + random() % 4; n > 0; --n) {
      bytes[random() % bytes.size()] = static_cast<char>(random());
    }
    HandshakeParser parser;
    TlsFacts facts;
    const size_t cut = random() % bytes.size();
    parser.Feed(AsBytes(bytes.substr(0, cut)), &facts);
    parser.Feed(AsBytes(bytes.substr(cut)), &facts);
    EXPECT_LE(facts.server_name.size(), bytes.size() * 3);
  }
  HandshakeParser parser;
  TlsFacts facts;
  const std::string record = std::string("\x16\3\1\x40\0", 5) + std::string(0x4000, '\0');
  for (int i = 0; i < 100 && !parser.done(); ++i) parser.Feed(AsBytes(record), &facts);
  EXPECT_TRUE(parser.done()) << "an endless handshake is not waited for";
}

}  // namespace
}  // namespace flowstitch
