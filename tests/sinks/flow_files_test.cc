// Names, files, times, digests.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <openssl/evp.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include "absl/strings/escaping.h"
#include "sinks/streams/file_names.h"
#include "sinks/writers/flow_files/flow_file_writer.h"
#include "tests/support/kept_records.h"
#include "tests/support/sink_flows.h"
#include "tests/support/temporary_directory.h"

namespace flowstitch {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Pair;
using namespace flowstitch::testing;

std::string Expanded(const std::string& text, const SinkFlow& flow,
                     Direction direction = kClientToServer, uint32_t counter = 0) {
  const auto names = NameTemplate::Parse(text);
  EXPECT_TRUE(names.ok()) << names.status();
  return names->Expand(flow, direction, counter);
}

TEST(FileNames, EveryTokenOfTcpflows) {
  auto flow = MakeSinkFlow(1234);
  flow->client_mac = std::string("\x02\x00\x00\x00\x00\x01", 6);
  flow->streams[kClientToServer].vlan = {42, 7};
  flow->streams[kClientToServer].outer_8021q = true;
  const std::pair<const char*, const char*> cases[] = {
      {"%A.%a-%B.%b%V%v%C%c", "010.000.000.001.40000-192.168.001.200.00080--42"},
      {"%E_%e%c", "02:00:00:00:00:01_00:00:00:00:00:00"},
      {"%T%c", "2008-10-06T16:14:54Z"},
      {"%t%c", "1223309694"},
      {"%N-%K-%M-%G%c", "468-002-000-000"},  // stream 2468
      {"%S%c", "00000000000000001234"},
      {"100%%%c", "100%"},
      {"%#", "0"},
      {"plain", "plain"},
  };
  for (const auto& [text, wanted] : cases) EXPECT_EQ(Expanded(text, *flow), wanted) << text;
  EXPECT_EQ(Expanded("%B.%b%c", *flow, kServerToClient), "010.000.000.001.40000");
  EXPECT_EQ(Expanded("x%C%c", *flow, kClientToServer, 12), "xc12");
  EXPECT_EQ(Expanded("x", *flow, kClientToServer, 3), "xc3") << "%C%c is added";
  EXPECT_EQ(Expanded("x%#", *flow, kClientToServer, 3), "x3");
  flow->streams[kServerToClient].vlan = {43};
  flow->streams[kServerToClient].outer_8021q = true;
  EXPECT_EQ(Expanded("a%V%v%c", *flow, kServerToClient), "a--43") << "each direction's own";
  flow->streams[kClientToServer].outer_8021q = false;
  EXPECT_EQ(Expanded("a%V%v%c", *flow), "a");
  flow->client = End("2001:db8::1", 5);
  EXPECT_EQ(Expanded("%A.%a%c", *flow), "2001:db8::1.00005");
}

TEST(FileNames, UnknownTokensAndLettersAreNamed) {
  EXPECT_THAT(std::string(NameTemplate::Parse("%A%q").status().message()), HasSubstr("'%q'"));
  EXPECT_FALSE(NameTemplate::Parse("50%").ok());
  EXPECT_FALSE(NameTemplate::Parse("").ok());
  EXPECT_THAT(std::string(TemplateForFormat("tz", "x").status().message()), HasSubstr("'z'"));
  EXPECT_EQ(*TemplateForFormat("c", "x"), "x");
  EXPECT_EQ(*TemplateForFormat("t", "x"), "%tTx");
  EXPECT_EQ(*TemplateForFormat("kT", "x"), "%T%K/x");
  EXPECT_EQ(*TemplateForFormat("g", "x"), "%G000000-%G999999/%G%M000-%G%M999/%G%M%K/x");
  EXPECT_TRUE(NameTemplate::Parse(kDefaultNameTemplate)->names_endpoints());
  EXPECT_FALSE(NameTemplate::Parse("%A")->names_endpoints());
}

class FlowFiles : public ::testing::Test {
 protected:
  FlowFileWriter& Open() {
    names = std::make_unique<StreamNames>(directory.path(), *NameTemplate::Parse(name_template));
    names->AddEnding("");
    writer = std::make_unique<FlowFileWriter>(options, names.get(), 0, records.hub(), &ledger);
    return *writer;
  }

  TemporaryDirectory directory;
  FlowFileOptions options;
  std::string name_template = kDefaultNameTemplate;
  SinkLedger ledger;
  BatchHold hold{1, 0};
  std::unique_ptr<StreamNames> names;
  KeptRecords records;
  std::unique_ptr<FlowFileWriter> writer;
};

TEST_F(FlowFiles, OneFileForEachDirectionWithDataAndTheTimeOfItsFirstPacket) {
  FlowFileWriter& w = Open();
  auto flow = MakeSinkFlow(0);
  Give(w, *flow, kClientToServer, 0, "hello ", &hold);
  Give(w, *flow, kClientToServer, 6, "world", &hold);
  EXPECT_THAT(directory.Files(), IsEmpty()) << "small flows are written in one go";
  EXPECT_EQ(hold.holds, 2u);
  w.OnClosed(*flow);
  EXPECT_EQ(hold.holds, 0u);
  struct stat info = {};  // before the file is read, which may move its access time
  ASSERT_EQ(stat(flow->streams[0].path.c_str(), &info), 0);
  EXPECT_THAT(directory.Files(),
              ElementsAre(Pair("010.000.000.001.40000-192.168.001.200.00080", "hello world")));
  EXPECT_EQ(info.st_mtim.tv_sec, 1'223'309'694);
  EXPECT_EQ(info.st_mtim.tv_nsec, 1'500'000);
  EXPECT_EQ(info.st_atim.tv_sec, 1'223'309'694);
  EXPECT_EQ(ledger.flow_files, 1u);
  EXPECT_EQ(ledger.file_bytes_written, 11u);
}

TEST_F(FlowFiles, GapsAreHolesAndOneAtTheEndIsNoLength) {
  FlowFileWriter& w = Open();
  auto flow = MakeSinkFlow(0);
  Give(w, *flow, kClientToServer, 3, "abc", &hold);
  Give(w, *flow, kClientToServer, 1'000'000, "xyz", &hold);
  w.OnClosed(*flow);
  const auto files = directory.Files();
  ASSERT_EQ(files.size(), 1u);
  std::string wanted(1'000'003, '\0');
  wanted.replace(3, 3, "abc").replace(1'000'000, 3, "xyz");
  EXPECT_EQ(files.begin()->second, wanted);
}

TEST_F(FlowFiles, DigestsAreThoseOfTheFile) {
  options.digests = {true, true, true};
  FlowFileWriter& w = Open();
  auto flow = MakeSinkFlow(0);
  Give(w, *flow, kClientToServer, 2, "abc", &hold);
  Give(w, *flow, kClientToServer, 10, "def", &hold);
  w.OnClosed(*flow);
  const std::string file = directory.Files().begin()->second;
  const auto& digests = records.Close(*flow).streams[0].file.digests;
  ASSERT_EQ(digests.size(), 3u);
  const EVP_MD* kinds[] = {EVP_md5(), EVP_sha1(), EVP_sha256()};
  for (size_t i = 0; i < 3; ++i) {
    unsigned char digest[EVP_MAX_MD_SIZE];
    unsigned size = 0;
    EVP_Digest(file.data(), file.size(), digest, &size, kinds[i], nullptr);
    EXPECT_EQ(digests[i].hex,
              absl::BytesToHexString(absl::string_view(reinterpret_cast<char*>(digest), size)));
  }
  EXPECT_EQ(digests[2].type, "SHA256");
}

TEST_F(FlowFiles, Case78_MoreFlowsThanDescriptorsIsSlowerNotWrong) {
  options.max_descriptors = 2;
  options.write_from_bytes = 10;
  FlowFileWriter& w = Open();
  std::vector<std::unique_ptr<SinkFlow>> flows;
  for (uint16_t i = 0; i < 50; ++i) flows.push_back(MakeSinkFlow(i, 1000 + i));
  for (int round = 0; round < 5; ++round) {
    for (auto& flow : flows) {
      Give(w, *flow, kClientToServer, static_cast<uint64_t>(round) * 10, "0123456789", &hold);
    }
  }
  for (auto& flow : flows) w.OnClosed(*flow);
  const auto files = directory.Files();
  ASSERT_EQ(files.size(), 50u);
  for (const auto& [name, text] : files) EXPECT_EQ(text.size(), 50u) << name;
  EXPECT_TRUE(w.status().ok());
}

// The same where the system refuses before our own limit is reached.
TEST_F(FlowFiles, Case78b_TheSystemsLimitIsMetByClosingOthers) {
  rlimit before = {};
  ASSERT_EQ(getrlimit(RLIMIT_NOFILE, &before), 0);
  options.max_descriptors = 1000;
  options.write_from_bytes = 10;
  FlowFileWriter& w = Open();
  std::vector<std::unique_ptr<SinkFlow>> flows;
  for (uint16_t i = 0; i < 100; ++i) flows.push_back(MakeSinkFlow(i, 1000 + i));
  // Sanitizers need a descriptor where they see an object of a class for the first time.
  records.Close(*MakeSinkFlow(1000));
  rlimit low = before;
  low.rlim_cur = 40;
  ASSERT_EQ(setrlimit(RLIMIT_NOFILE, &low), 0);
  for (int round = 0; round < 3; ++round) {
    for (auto& flow : flows) {
      Give(w, *flow, kClientToServer, static_cast<uint64_t>(round) * 10, "0123456789", &hold);
    }
  }
  for (auto& flow : flows) w.OnClosed(*flow);
  ASSERT_EQ(setrlimit(RLIMIT_NOFILE, &before), 0);
  const auto files = directory.Files();
  ASSERT_EQ(files.size(), 100u);
  for (const auto& [name, text] : files) EXPECT_EQ(text.size(), 30u) << name;
  EXPECT_TRUE(w.status().ok());
}

TEST_F(FlowFiles, ANameUsedAgainGetsACounterAlsoAgainstAnEarlierRun) {
  for (int run = 0; run < 2; ++run) {
    FlowFileWriter& w = Open();
    for (uint64_t i = 0; i < 3; ++i) {
      auto flow = MakeSinkFlow(i);
      const std::string letter(1, static_cast<char>('a' + run * 3 + static_cast<int>(i)));
      Give(w, *flow, kClientToServer, 0, letter, &hold);
      w.OnClosed(*flow);
    }
  }
  const std::string name = "010.000.000.001.40000-192.168.001.200.00080";
  EXPECT_THAT(directory.Files(),
              ElementsAre(Pair(name, "a"), Pair(name + "c1", "b"), Pair(name + "c2", "c"),
                          Pair(name + "c3", "d"), Pair(name + "c4", "e"), Pair(name + "c5", "f")));
}

TEST_F(FlowFiles, TheLimitOfBytesCutsTheFileAndTheDigest) {
  options.max_bytes = 4;
  options.digests.md5 = true;
  FlowFileWriter& w = Open();
  auto flow = MakeSinkFlow(0);
  Give(w, *flow, kClientToServer, 0, "ab", &hold);
  Give(w, *flow, kClientToServer, 2, "cdef", &hold);
  Give(w, *flow, kClientToServer, 6, "gh", &hold);
  w.OnClosed(*flow);
  EXPECT_EQ(directory.Files().begin()->second, "abcd");
  const StreamFileRecord file = records.Close(*flow).streams[0].file;
  EXPECT_EQ(file.bytes, 4u);
  EXPECT_EQ(file.digests[0].hex, "e2fc714c4727ee9395f324cd2e7f331f");  // md5sum of abcd
}

TEST_F(FlowFiles, WriteThroughLetsGoOfABatch) {
  FlowFileWriter& w = Open();
  auto flow = MakeSinkFlow(0);
  BatchHold first{1, 0};
  BatchHold second{2, 0};
  Give(w, *flow, kClientToServer, 0, "one", &first);
  Give(w, *flow, kServerToClient, 0, "two", &second);
  w.WriteThrough(1);
  EXPECT_EQ(first.holds, 0u);
  EXPECT_EQ(second.holds, 1u);
  w.WriteThrough(2);
  EXPECT_EQ(second.holds, 0u);
  Give(w, *flow, kClientToServer, 3, " more", &second);
  w.OnClosed(*flow);
  EXPECT_EQ(directory.Files().at("010.000.000.001.40000-192.168.001.200.00080"), "one more");
}

TEST_F(FlowFiles, DirectoriesAreMadeAndFailuresNameThePath) {
  name_template = "%A/%a%C%c";
  FlowFileWriter& w = Open();
  auto flow = MakeSinkFlow(0);
  Give(w, *flow, kClientToServer, 0, "x", &hold);
  w.OnClosed(*flow);
  EXPECT_THAT(directory.Files(), ElementsAre(Pair("010.000.000.001/40000", "x")));

  StreamNames nowhere("/proc/nothing/here", *NameTemplate::Parse("%A%c"));
  FlowFileWriter failing(options, &nowhere, 0, records.hub(), &ledger);
  auto other = MakeSinkFlow(1);
  BatchHold held{1, 0};
  Give(failing, *other, kClientToServer, 0, "x", &held);
  failing.OnClosed(*other);
  EXPECT_THAT(std::string(failing.status().message()), HasSubstr("/proc/nothing"));
  EXPECT_EQ(held.holds, 1u) << "what was not written is not acknowledged";
}

}  // namespace
}  // namespace flowstitch
