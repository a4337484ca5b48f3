// Batches for tests of a sink's worker.
#ifndef FLOWSTITCH_TESTS_SUPPORT_SINK_BATCH_H_
#define FLOWSTITCH_TESTS_SUPPORT_SINK_BATCH_H_

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "sinks/sink_worker.h"

namespace flowstitch::testing {

inline constexpr uint64_t kFlow = 7 << 8;

// A batch for one flow, event by event.
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

  // What a worker with these options says of it, once it has written everything.
  SinkLedger Run(SinkWorkerOptions options) const {
    const std::string bytes = message_.SerializeAsString();
    auto in_flight = std::make_shared<InFlightBatch>();
    in_flight->delivery = std::make_shared<Delivery>(zmq::message_t(bytes.data(), bytes.size()));
    std::vector<std::vector<EventRef>> lists;
    EXPECT_TRUE(BatchDispatcher(0, 1, 1).Split(*in_flight->delivery, &lists));
    options.names = *NameTemplate::Parse(kDefaultNameTemplate);
    in_flight->users = 1;
    SinkWorker worker(options);
    worker.Post(in_flight, std::move(lists[0]));
    worker.Finish();
    EXPECT_TRUE(worker.status().ok());
    return worker.ledger();
  }

 private:
  wire::StreamEvent* Add() { return batch().add_events(); }
  wire::StreamBatch& batch() { return *message_.mutable_streams(); }
  wire::LinkMessage message_;
};

}  // namespace flowstitch::testing

#endif  // FLOWSTITCH_TESTS_SUPPORT_SINK_BATCH_H_
