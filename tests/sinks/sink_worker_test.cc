// What a sink does with events that contradict the contract: it uses nothing of them, says so in
// its ledger, and goes on.
#include "sinks/sink_worker.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/sink_batch.h"
#include "tests/support/temporary_directory.h"

namespace flowstitch {
namespace {

using namespace flowstitch::testing;

// What a worker says of a batch, and the client's flow file.
std::pair<SinkLedger, std::string> Written(const BatchMaker& batch) {
  const TemporaryDirectory directory;
  SinkWorkerOptions options;
  options.directory = directory.path();
  const SinkLedger ledger = batch.Run(options);
  const auto files = directory.Files();
  EXPECT_LE(files.size(), 1u);
  return {ledger, files.empty() ? "" : files.begin()->second};
}

TEST(SinkWorker, TakesWhatIsInOrder) {
  const auto [ledger, file] = Written(BatchMaker().Bytes(0, "abc").Gap(3, 2).Bytes(5, "fg"));
  EXPECT_EQ(file, std::string("abc\0\0fg", 7));
  EXPECT_EQ(ledger.stream_bytes_received, 5u);
  EXPECT_EQ(ledger.refused_bytes, 0u);
  EXPECT_EQ(ledger.refused_gaps, 0u);
}

TEST(SinkWorker, RefusesAJumpThatNoGapAnnounced) {
  const auto [ledger, file] = Written(BatchMaker().Bytes(0, "abc").Bytes(9, "far").Bytes(3, "d"));
  EXPECT_EQ(file, "abcd");
  EXPECT_EQ(ledger.stream_bytes_received, 4u);
  EXPECT_EQ(ledger.refused_bytes, 3u);
}

TEST(SinkWorker, TakesOnlyTheNewPartOfARepeat) {
  const auto [ledger, file] =
      Written(BatchMaker().Bytes(0, "abc").Bytes(1, "XXde").Bytes(0, "abc"));
  EXPECT_EQ(file, "abcde");
  EXPECT_EQ(ledger.stream_bytes_received, 5u);
  EXPECT_EQ(ledger.refused_bytes, 5u);
}

// The fuzzer's: an empty event behind the end moved the stream back, and its digest went over 2^64
// zeros.
TEST(SinkWorker, AnEmptyEventDoesNotTakeAStreamBack) {
  const auto [ledger, file] =
      Written(BatchMaker().Bytes(0, "abc").Bytes(1, "").Bytes(1, "XY").Bytes(3, "d"));
  EXPECT_EQ(file, "abcd");
  EXPECT_EQ(ledger.stream_bytes_received, 4u);
  EXPECT_EQ(ledger.refused_bytes, 2u);
}

TEST(SinkWorker, RefusesGapsThatAreNotPossible) {
  const auto [ledger, file] =
      Written(BatchMaker().Bytes(0, "abc").Gap(7, 1).Gap(3, uint64_t{1} << 40).Bytes(3, "d"));
  EXPECT_EQ(file, "abcd");
  EXPECT_EQ(ledger.refused_gaps, 2u);
}

TEST(SinkWorker, CountsBytesOfAFlowThatWasNotAnnounced) {
  const auto [ledger, file] = Written(BatchMaker().Bytes(0, "abc", 99 << 8));
  EXPECT_EQ(file, "");
  EXPECT_EQ(ledger.stream_bytes_received, 0u);
  EXPECT_EQ(ledger.refused_bytes, 3u);
}

}  // namespace
}  // namespace flowstitch
