// What several sensors see of one network.
#ifndef FLOWSTITCH_TESTS_SUPPORT_SENSORS_H_
#define FLOWSTITCH_TESTS_SUPPORT_SENSORS_H_

#include <random>

#include "reassembler/frames/checksums.h"
#include "tests/support/event_recorder.h"

namespace flowstitch::testing {

// The same datagram as another sensor sees it: behind routers, with other MACs, in a VLAN, with its
// checksums left to the card.
inline CapturedPacket SeenElsewhere(const CapturedPacket& packet, std::mt19937_64* random) {
  CapturedPacket copy = packet;
  Packet& b = copy.bytes;
  for (size_t i = 0; i < 12; ++i) b[i] = static_cast<uint8_t>((*random)());
  uint8_t* ip = b.data() + 14;
  const bool ipv4 = ip[0] >> 4 == 4;
  uint8_t* tcp = ip + (ipv4 ? 20 : 40);
  (ipv4 ? ip[8] : ip[7]) = static_cast<uint8_t>(1 + (*random)() % 60);
  if (ipv4) ip[1] = static_cast<uint8_t>((*random)());  // type of service
  if (ipv4) {
    ip[10] = ip[11] = 0;
    StoreBe16(ip + 10, static_cast<uint16_t>(~OnesComplementSum({ip, 20})));
  }
  const bool begins = !ipv4 || (LoadBe16(ip + 6) & 0x1fff) == 0;  // else it has no TCP header
  if (begins && (*random)() % 2 == 0) StoreBe16(tcp + 16, static_cast<uint16_t>((*random)()));
  if ((*random)() % 2 == 0) {
    const uint8_t tag[4] = {0x81, 0x00, 0x00, static_cast<uint8_t>(1 + (*random)() % 100)};
    b.insert(b.begin() + 12, tag, tag + 4);
  }
  copy.wire_length = static_cast<uint32_t>(b.size());
  return copy;
}

// Frames straight into a reassembler, by source and time.
class Sensors {
 public:
  explicit Sensors(ReassemblyOptions options = {}) : reassembler(options, &events) {
    reassembler.set_several_sources();
  }
  void See(uint32_t source, const CapturedPacket& packet, TimeNs time_ns) {
    Frame frame = packet.frame();
    frame.source = source;
    frame.time_ns = time_ns;
    reassembler.OnFrame(frame);
  }
  EventRecorder events;
  Reassembler reassembler;
};

}  // namespace flowstitch::testing

#endif  // FLOWSTITCH_TESTS_SUPPORT_SENSORS_H_
