// Flows for tests of writers.
#ifndef FLOWSTITCH_TESTS_SUPPORT_SINK_FLOWS_H_
#define FLOWSTITCH_TESTS_SUPPORT_SINK_FLOWS_H_

#include <memory>
#include <string>

#include "sinks/streams/sink_flow.h"
#include "sinks/streams/writer.h"
#include "tests/support/packet_builder.h"

namespace flowstitch::testing {

inline std::unique_ptr<SinkFlow> MakeSinkFlow(uint64_t number, uint16_t client_port = 40000) {
  auto flow = std::make_unique<SinkFlow>();
  flow->id = number << 8;
  flow->number = number;
  flow->client = End("10.0.0.1", client_port);
  flow->server = End("192.168.1.200", 80);
  flow->first_time_ns = 1'223'309'694 * kNsPerSecond;
  flow->close_reason = CloseReason::kFinished;
  for (auto& stream : flow->streams) {
    stream.summary.first_time_ns = flow->first_time_ns + 1'500'000;
    stream.summary.last_time_ns = stream.summary.first_time_ns;
    stream.summary.packets = 1;
  }
  return flow;
}

// Gives bytes to a writer as a worker does.
inline void Give(Writer& writer, SinkFlow& flow, Direction direction, uint64_t offset,
                 std::string_view bytes, BatchHold* hold) {
  writer.OnBytes(flow, direction, offset, AsBytes(bytes), flow.first_time_ns, hold);
  SinkStream& stream = flow.streams[direction];
  stream.length = std::max<uint64_t>(stream.length, offset + bytes.size());
}

}  // namespace flowstitch::testing

#endif  // FLOWSTITCH_TESTS_SUPPORT_SINK_FLOWS_H_
