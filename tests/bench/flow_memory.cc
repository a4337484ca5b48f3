// What the core's memory costs a flow: connection attempts, open flows with data, flows with data
// that waits behind a hole, memories of closed flows, UDP conversations. Bytes of the heap, by
// number.
#include <malloc.h>

#include <cstdio>
#include <functional>

#include "reassembler/flows/reassembler.h"
#include "tests/support/packet_builder.h"

namespace flowstitch {
namespace {

using namespace flowstitch::testing;

class NoEvents : public StreamEvents {
 public:
  void OnFlowOpened(const FlowInfo&) override {}
  void OnBytes(FlowId, Direction, uint64_t, ByteView, const BytesInfo&) override {}
  void OnGap(FlowId, Direction, uint64_t, uint64_t, GapReason, TimeNs) override {}
  void OnConflict(FlowId, Direction, const Conflict&, TimeNs) override {}
  void OnFlowClosed(FlowId, const FlowEnd&) override {}
};

size_t HeapBytes() {
  const struct mallinfo2 info = mallinfo2();
  return info.uordblks + info.hblkhd;
}

using Feed = std::function<void(Reassembler*, const Endpoint& client, TimeNs)>;

void Give(Reassembler* reassembler, const Endpoint& from, const Endpoint& to, uint32_t sequence,
          uint32_t acknowledgement, uint8_t flags, std::string_view data, TimeNs time_ns) {
  const SegmentSpec spec{from, to, sequence, acknowledgement, flags, data};
  reassembler->OnFrame(Capture(EthernetFrame(Datagram(spec)), time_ns).frame());
}

void Measure(const char* what, const Feed& feed) {
  std::printf("| %s |", what);
  for (const uint32_t count : {1'000u, 10'000u, 100'000u, 1'000'000u}) {
    NoEvents events;
    ReassemblyOptions options;
    options.decoder.udp = true;
    options.tcp.conflict_window_bytes = 0;
    options.tcp.tombstones = count;
    options.tcp.all_waiting_bytes = size_t{4} << 30;
    const size_t before = HeapBytes();
    {
      Reassembler reassembler(options, &events);
      for (uint32_t i = 0; i < count; ++i) {
        uint8_t address[4];
        StoreBe32(address, 0x0a000000u + i / 60'000);
        const Endpoint client{IpAddress::FromIpv4(address),
                              static_cast<uint16_t>(1024 + i % 60'000)};
        feed(&reassembler, client, static_cast<TimeNs>(i) * 10'000);
      }
      std::printf(" %zu |", (HeapBytes() - before) / count);
      std::fflush(stdout);
    }
  }
  std::printf("\n");
}

int Main() {
  const Endpoint server = End("192.0.2.1", 80);
  std::printf("| bytes each | 1,000 | 10,000 | 100,000 | 1,000,000 |\n|---|---|---|---|---|\n");
  const auto syn = [&](Reassembler* r, const Endpoint& client, TimeNs time) {
    Give(r, client, server, 1000, 0, kTcpSyn, "", time);
  };
  const auto open = [&](Reassembler* r, const Endpoint& client, TimeNs time) {
    syn(r, client, time);
    Give(r, server, client, 5000, 1001, kTcpSyn | kTcpAck, "", time);
    Give(r, client, server, 1001, 5001, kTcpAck, "a request", time);
    Give(r, server, client, 5001, 1010, kTcpAck, "an answer", time);
  };
  Measure("half-open flow", syn);
  Measure("open flow with data", open);
  Measure("open flow, 100 bytes behind a hole", [&](Reassembler* r, const Endpoint& c, TimeNs t) {
    open(r, c, t);
    Give(r, c, server, 1100, 5001, kTcpAck, std::string(100, 'w'), t);
  });
  Measure("tombstone", [&](Reassembler* r, const Endpoint& c, TimeNs t) {
    open(r, c, t);
    Give(r, c, server, 1010, 5010, kTcpAck | kTcpFin, "", t);
    Give(r, server, c, 5010, 1011, kTcpAck | kTcpFin, "", t);
  });
  Measure("UDP flow", [&](Reassembler* r, const Endpoint& c, TimeNs t) {
    r->OnFrame(Capture(EthernetFrame(
                           IpDatagram(c.address, server.address, 17,
                                      Bytes({c.port >> 8, c.port & 255, 0, 53, 0, 9, 0, 0, 'q'}))),
                       t)
                   .frame());
  });
  return 0;
}

}  // namespace
}  // namespace flowstitch

int main() { return flowstitch::Main(); }
