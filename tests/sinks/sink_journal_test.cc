// What a sink that is killed leaves for the next one of its name.
#include "sinks/sink_journal.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <string>

#include "tests/support/temporary_directory.h"

namespace flowstitch {
namespace {

using ::testing::IsEmpty;
using ::testing::SizeIs;
using namespace flowstitch::testing;

constexpr uint64_t kEpoch = 77;

wire::FlowOpened Opened(uint64_t id) {
  wire::FlowOpened opened;
  opened.set_flow(id);
  opened.set_client_port(static_cast<uint32_t>(1000 + id));
  return opened;
}

class Journals : public ::testing::Test {
 protected:
  std::string Path(size_t worker = 0) const {
    return JournalPath(directory_.path(), "sink", worker);
  }
  JournaledFlows Read(const std::string& name = "sink") const {
    return ReadJournals(directory_.path(), name);
  }
  TemporaryDirectory directory_;
};

TEST_F(Journals, TheNextOneKnowsFlowsNamesAndWhatHasClosed) {
  {
    SinkJournal journal(Path());
    journal.Opened(kEpoch, Opened(1));
    journal.Named(1, kServerToClient, "d/name");
    journal.Opened(kEpoch, Opened(2));
    wire::DirectionVlans vlans;
    vlans.set_flow(2);
    vlans.add_vlan(42);
    journal.Vlans(vlans);
    journal.Closed(1);
    ASSERT_TRUE(journal.Flush().ok());
    journal.Opened(kEpoch, Opened(3));  // never handed over
  }
  const JournaledFlows flows = Read();
  ASSERT_THAT(flows, SizeIs(2));
  const JournaledFlow& first = flows.at(1);
  EXPECT_EQ(first.epoch, kEpoch);
  EXPECT_EQ(first.opened.client_port(), 1001u);
  EXPECT_EQ(first.names[kClientToServer], "");
  EXPECT_EQ(first.names[kServerToClient], "d/name");
  EXPECT_TRUE(first.closed);
  EXPECT_FALSE(flows.at(2).closed);
  ASSERT_TRUE(flows.at(2).vlans.has_value());
  EXPECT_EQ(flows.at(2).vlans->vlan(0), 42u);
  EXPECT_THAT(Read("another"), IsEmpty());
}

TEST_F(Journals, OfAllWorkersAndGoneWhenTheyAreRemoved) {
  for (const size_t worker : {0u, 1u, 2u}) {
    SinkJournal journal(Path(worker));
    journal.Opened(kEpoch, Opened(worker));
    ASSERT_TRUE(journal.Flush().ok());
  }
  EXPECT_THAT(Read(), SizeIs(3));
  RemoveJournals(directory_.path(), "sink");
  EXPECT_THAT(Read(), IsEmpty());
}

// A power cut may end it anywhere, and anything may stand in it.
TEST_F(Journals, WhereverItIsCutWhatIsBeforeIsKnown) {
  {
    SinkJournal journal(Path());
    for (uint64_t id = 1; id <= 20; ++id) journal.Opened(kEpoch, Opened(id));
    ASSERT_TRUE(journal.Flush().ok());
  }
  std::string bytes;
  {
    std::ifstream file(Path(), std::ios::binary);
    bytes.assign(std::istreambuf_iterator<char>(file), {});
  }
  size_t most = 0;
  for (size_t size = 0; size <= bytes.size(); ++size) {
    std::filesystem::resize_file(Path(), 0);
    std::ofstream(Path(), std::ios::binary) << bytes.substr(0, size);
    const JournaledFlows flows = Read();
    EXPECT_GE(flows.size(), most) << size;
    most = flows.size();
    for (uint64_t id = 1; id <= most; ++id) EXPECT_EQ(flows.count(id), 1u) << size;
  }
  EXPECT_EQ(most, 20u);
  std::ofstream(Path(), std::ios::binary | std::ios::app) << "\xff\xff\xff\xff\xff garbage";
  EXPECT_THAT(Read(), SizeIs(20));
}

TEST_F(Journals, ANameThatLeavesTheDirectoryIsNotTaken) {
  for (const char* name : {"/etc/passwd", "../a", "a/../../b", ""}) {
    SinkJournal journal(Path());
    journal.Opened(kEpoch, Opened(1));
    journal.Named(1, kClientToServer, name);
    ASSERT_TRUE(journal.Flush().ok());
    EXPECT_EQ(Read().at(1).names[kClientToServer], "") << name;
  }
}

TEST_F(Journals, WithoutAPathNoneIsKept) {
  const std::filesystem::path before = std::filesystem::current_path();
  std::filesystem::current_path(directory_.path());
  {
    SinkJournal journal("");
    journal.Opened(kEpoch, Opened(1));
    EXPECT_TRUE(journal.Flush().ok());
  }
  std::filesystem::current_path(before);
  EXPECT_THAT(directory_.Files(), IsEmpty());
  EXPECT_THAT(Read(), IsEmpty());
}

}  // namespace
}  // namespace flowstitch
