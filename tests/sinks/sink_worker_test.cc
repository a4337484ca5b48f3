// What a sink does with events that contradict the contract: it uses nothing of them, says so in
// its ledger, and goes on.
#include "sinks/sink_worker.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/temporary_directory.h"

namespace flowstitch {
namespace {

using namespace flowstitch::testing;

constexpr uint64_t kFlow = 7 << 8;

// A batch for the one flow of these tests, event by event.
class BatchMaker {
 public:
  BatchMaker() {
    auto* opened = Add()->mutable_opened();
    opened->set_flow(kFlow);
    opened->set_client_address(std::string("\x0a\0\0\1", 4));
    opened->set_server_address(std::string("\x0a\0\0\2", 4));
    opened->set_client_port(40000);
    opened->set_server_port(80);
  }
  BatchMaker& Bytes(uint64_t offset, std::string_view bytes, uint64_t flow = kFlow) {
    auto* event = Add()->mutable_bytes();
    event->set_flow(flow);
    event->set_direction(wire::CLIENT_TO_SERVER);
    event->set_offset(offset);
    event->set_length(static_cast<uint32_t>(bytes.size()));
    *batch().mutable_payload() += bytes;
    return *this;
  }
  BatchMaker& Gap(uint64_t offset, uint64_t length) {
    auto* event = Add()->mutable_gap();
    event->set_flow(kFlow);
    event->set_direction(wire::CLIENT_TO_SERVER);
    event->set_offset(offset);
    event->set_length(length);
    return *this;
  }

  // What a worker says of it, and the client's flow file.
  std::pair<SinkLedger, std::string> Run() {
    const TemporaryDirectory directory;
    const std::string bytes = message_.SerializeAsString();
    auto in_flight = std::make_shared<InFlightBatch>();
    in_flight->delivery = std::make_shared<Delivery>(zmq::message_t(bytes.data(), bytes.size()));
    std::vector<std::vector<EventRef>> lists;
    EXPECT_TRUE(BatchDispatcher(0, 1, 1).Split(*in_flight->delivery, &lists));
    SinkWorkerOptions options;
    options.names = *NameTemplate::Parse(kDefaultNameTemplate);
    options.directory = directory.path();
    in_flight->users = 1;
    SinkWorker worker(options);
    worker.Post(in_flight, std::move(lists[0]));
    worker.Finish();
    EXPECT_TRUE(worker.status().ok());
    const auto files = directory.Files();
    EXPECT_LE(files.size(), 1u);
    return {worker.ledger(), files.empty() ? "" : files.begin()->second};
  }

 private:
  wire::StreamEvent* Add() { return batch().add_events(); }
  wire::StreamBatch& batch() { return *message_.mutable_streams(); }
  wire::LinkMessage message_;
};

TEST(SinkWorker, TakesWhatIsInOrder) {
  const auto [ledger, file] = BatchMaker().Bytes(0, "abc").Gap(3, 2).Bytes(5, "fg").Run();
  EXPECT_EQ(file, std::string("abc\0\0fg", 7));
  EXPECT_EQ(ledger.stream_bytes_received, 5u);
  EXPECT_EQ(ledger.refused_bytes, 0u);
  EXPECT_EQ(ledger.refused_gaps, 0u);
}

TEST(SinkWorker, RefusesAJumpThatNoGapAnnounced) {
  const auto [ledger, file] = BatchMaker().Bytes(0, "abc").Bytes(9, "far").Bytes(3, "d").Run();
  EXPECT_EQ(file, "abcd");
  EXPECT_EQ(ledger.stream_bytes_received, 4u);
  EXPECT_EQ(ledger.refused_bytes, 3u);
}

TEST(SinkWorker, TakesOnlyTheNewPartOfARepeat) {
  const auto [ledger, file] = BatchMaker().Bytes(0, "abc").Bytes(1, "XXde").Bytes(0, "abc").Run();
  EXPECT_EQ(file, "abcde");
  EXPECT_EQ(ledger.stream_bytes_received, 5u);
  EXPECT_EQ(ledger.refused_bytes, 5u);
}

// The fuzzer's: an empty event behind the end moved the stream back, and its digest went over 2^64
// zeros.
TEST(SinkWorker, AnEmptyEventDoesNotTakeAStreamBack) {
  const auto [ledger, file] =
      BatchMaker().Bytes(0, "abc").Bytes(1, "").Bytes(1, "XY").Bytes(3, "d").Run();
  EXPECT_EQ(file, "abcd");
  EXPECT_EQ(ledger.stream_bytes_received, 4u);
  EXPECT_EQ(ledger.refused_bytes, 2u);
}

TEST(SinkWorker, RefusesGapsThatAreNotPossible) {
  const auto [ledger, file] =
      BatchMaker().Bytes(0, "abc").Gap(7, 1).Gap(3, uint64_t{1} << 40).Bytes(3, "d").Run();
  EXPECT_EQ(file, "abcd");
  EXPECT_EQ(ledger.refused_gaps, 2u);
}

TEST(SinkWorker, CountsBytesOfAFlowThatWasNotAnnounced) {
  const auto [ledger, file] = BatchMaker().Bytes(0, "abc", 99 << 8).Run();
  EXPECT_EQ(file, "");
  EXPECT_EQ(ledger.stream_bytes_received, 0u);
  EXPECT_EQ(ledger.refused_bytes, 3u);
}

}  // namespace
}  // namespace flowstitch
