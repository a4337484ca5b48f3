// Bytes as a batch of streams, to a sink's worker with all writers that need no disk.
#include "reassembler/stream_batcher.h"
#include "sinks/sink_worker.h"
#include "tests/fuzz/fuzz.h"
#include "tests/support/conversation.h"
#include "tests/support/event_recorder.h"

using namespace flowstitch;
using namespace flowstitch::testing;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  auto in_flight = std::make_shared<InFlightBatch>();
  in_flight->delivery = std::make_shared<Delivery>(zmq::message_t(data, size));
  const Delivery& delivery = *in_flight->delivery;
  if (!delivery.status().ok() || !delivery.message().has_streams()) return 0;
  BatchDispatcher dispatcher(0, 1, 1);
  std::vector<std::vector<EventRef>> lists;
  if (!dispatcher.Split(delivery, &lists)) return 0;
  SinkWorkerOptions options;
  options.names = *NameTemplate::Parse(kDefaultNameTemplate);
  options.files.write = false;
  options.files.max_bytes = 4096;  // hostile offsets make long gaps, and zeros to digest
  options.files.digests.md5 = true;
  in_flight->users = 1;
  SinkWorker worker(options);
  worker.Post(in_flight, std::move(lists[0]));
  worker.Finish();
  Must(worker.status().ok(), "nothing was written, so nothing failed");
  Must(in_flight->users == 0, "the batch is let go of");
  return 0;
}

std::vector<std::string> flowstitch::testing::FuzzSeeds() {
  StreamBatcher batcher(5, 0);
  Reassembler reassembler({}, &batcher);
  Talk talk(End("10.0.0.1", 4000), End("2.0.0.2", 80));
  talk.Handshake()
      .Client("GET / HTTP/1.0\r\n\r\n")
      .FromServer(0, "abc")
      .FromServer(9, "xyz")
      .Close();
  for (const auto& packet : talk.packets) reassembler.OnFrame(packet.frame());
  reassembler.Finish();
  return {std::string(AsText(batcher.Flush(1).bytes()))};
}
