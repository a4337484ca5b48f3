// Captures by the numbers: so many flows of so many bytes, so many at a time, with disorder and
// loss. The same seed gives the same packets. For benchmarks, property tests and the generator in
// tools/.
#ifndef FLOWSTITCH_TESTS_SUPPORT_TRAFFIC_H_
#define FLOWSTITCH_TESTS_SUPPORT_TRAFFIC_H_

#include <functional>
#include <string>

#include "tests/support/packet_builder.h"

namespace flowstitch::testing {

struct TrafficOptions {
  uint64_t seed = 1;
  uint32_t flows = 10;
  uint64_t bytes_per_flow = 10'000;  // of the server's stream; the client sends a short request
  uint32_t concurrent = 4;
  double disorder = 0;  // share of data segments that come a few packets late
  double loss = 0;      // share of data segments that no sensor saw
  uint32_t segment_bytes = 1448;
  bool ipv6 = false;  // every second flow
  // Where it is not empty, every server's stream is this, and bytes_per_flow does not count.
  std::string server_stream;
};

// Gives out the packets one by one; memory does not grow with the capture.
void MakeTraffic(const TrafficOptions& options,
                 const std::function<void(const CapturedPacket&)>& take);

// Bytes of the server's stream of flow number `flow`, from `offset` on.
void FillPayload(uint64_t seed, uint32_t flow, uint64_t offset, std::span<uint8_t> out);

}  // namespace flowstitch::testing

#endif  // FLOWSTITCH_TESTS_SUPPORT_TRAFFIC_H_
