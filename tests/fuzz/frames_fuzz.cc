// Bytes as a few frames of one link type: link layers, tunnels, fragments, checksums, TCP and UDP
// headers. Every frame is counted once, whatever is in it.
#include "reassembler/frames/frame_decoder.h"
#include "tests/fuzz/fuzz.h"
#include "tests/support/packet_builder.h"

using namespace flowstitch;
using namespace flowstitch::testing;

namespace {

constexpr uint32_t kTypes[] = {0,   1,   6,   7,   8,   9,   10,  12,  14,  50,  51,
                               100, 101, 104, 105, 107, 108, 109, 113, 117, 119, 122,
                               127, 129, 138, 163, 166, 178, 192, 204, 205, 206, 228,
                               229, 239, 240, 276, 147, 149, 197, 242, 258};

// Touches every byte, so that a sanitizer sees a view that points nowhere.
class Toucher : public FrameDecoder::Taker {
 public:
  void OnSegment(const Segment& s) override {
    Touch(s.tcp.payload);
    NoteLonger(s);
    Must(s.tunnels->depth <= kMaxTunnelDepth, "tunnels are bounded");
    Must(s.link->vlans.count <= kMaxVlanTags, "tags are bounded");
    Must(s.tcp.sack_blocks <= kMaxSackBlocks, "SACK blocks are bounded");
  }
  void OnUdpDatagram(const UdpDatagram& d) override {
    Touch(d.payload);
    NoteLonger(d);
  }
  void OnCopy() override { ++copies; }
  uint64_t sum = 0;
  uint64_t copies = 0;
  uint64_t longer = 0;  // copies that were taken for what they have more

 private:
  // Pieces behind a hole have no name of their own.
  void NoteLonger(const Passage& p) { longer += p.longer_than != 0 && p.digest != 0 ? 1 : 0; }
  void Touch(ByteView bytes) {
    for (const uint8_t byte : bytes) sum += byte;
  }
};

}  // namespace

// Link type, choices, then frames, each behind two bytes of length.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size < 2) return 0;
  DecoderOptions options;
  options.udp = data[1] & 1;
  options.checksum = static_cast<ChecksumPolicy>((data[1] >> 1) % 3);
  options.fragments.overlap = static_cast<OverlapPolicy>((data[1] >> 3) % 7);
  options.key_parts = {(data[1] & 64) != 0, (data[1] & 64) != 0, (data[1] & 64) != 0};
  options.fragments.bytes = 1 << 20;
  const uint32_t type = kTypes[data[0] % std::size(kTypes)];
  ByteView rest{data + 2, size - 2};
  ReassemblyLedger ledger;
  Toucher toucher;
  FrameDecoder decoder(options, &ledger, &toucher);
  if ((data[1] & 128) != 0) decoder.set_several_sources();
  TimeNs time = 0;
  uint32_t source = 0;
  while (rest.size() >= 2) {
    const size_t length = std::min<size_t>(LoadBe16(rest.data()), rest.size() - 2);
    const std::vector<uint8_t> copy(rest.begin() + 2, rest.begin() + 2 + static_cast<long>(length));
    rest = rest.subspan(2 + length);
    time += 100 * kNsPerMs;
    source = (source + static_cast<uint32_t>(length)) % 3;
    decoder.Decode({copy, static_cast<uint32_t>(length), type, time, source}, time);
    Must(toucher.copies + toucher.longer == ledger.duplicate_frames, "every copy is told");
    ledger.delivered_bytes = ledger.payload_bytes;
    ledger.stream_bytes = ledger.payload_bytes;
    const auto faults = FindImbalance(ledger);
    Must(faults.empty(), faults.empty() ? "" : faults[0].c_str());
  }
  [[maybe_unused]] static volatile uint64_t
      read_bytes;  // so that the reading is not optimised away
  read_bytes = toucher.sum;
  return 0;
}

std::vector<std::string> flowstitch::testing::FuzzSeeds() {
  const SegmentSpec four{End("10.0.0.1", 1), End("10.0.0.2", 2), 1, 2, kTcpAck, "data", 1, 1,
                         {2, 4, 5, 6}};
  const SegmentSpec six{End("2001::1", 1), End("2001::2", 2), 1, 0, kTcpSyn, "", 1, 1, {34, 2}};
  std::vector<std::string> seeds;
  const auto type_index = [](uint32_t type) {
    return static_cast<char>(std::find(std::begin(kTypes), std::end(kTypes), type) - kTypes);
  };
  const auto add = [&](uint32_t type, const std::vector<Packet>& frames) {
    std::string seed{type_index(type), 0};
    for (const Packet& frame : frames) {
      seed += static_cast<char>(frame.size() >> 8);
      seed += static_cast<char>(frame.size());
      seed += AsText(frame);
    }
    seeds.push_back(seed);
  };
  const IpAddress a = Address("10.0.0.1");
  const IpAddress b = Address("10.0.0.2");
  const Packet datagram = Datagram(four);
  const Packet ethernet = EthernetFrame(datagram);
  const auto udp = [&](uint16_t port, const Packet& payload) {
    const size_t length = payload.size() + 8;
    return IpDatagram(a, b, 17,
                      Bytes({9, 9, port >> 8, port & 255, static_cast<int>(length >> 8),
                             static_cast<int>(length & 255), 0, 0}) +
                          payload);
  };
  add(1, {ethernet, EthernetFrame(Datagram(six), {1, 2})});
  add(101, {Datagram(six)});
  add(0, {Bytes({2, 0, 0, 0}) + datagram});
  add(9, {Bytes({0xff, 3, 0, 0x21}) + datagram});
  add(104, {Bytes({0x0f, 0, 8, 0}) + datagram});
  add(107, {Bytes({0x18, 0x41, 3, 0xcc}) + datagram});
  add(113, {Bytes({0, 0, 0, 1, 0, 6, 1, 2, 3, 4, 5, 6, 0, 0, 8, 0}) + datagram});
  add(127, {Bytes({0, 0, 9, 0, 2, 0, 0, 0, 0, 8, 2, 0, 0,    1,    2, 3, 4, 5, 6, 1, 2,
                   3, 4, 5, 6, 1, 2, 3, 4, 5, 6, 0, 0, 0xaa, 0xaa, 3, 0, 0, 0, 8, 0}) +
            datagram});
  add(239, {Bytes({2, 0, 0, 0, 8, 0, 1, 0, 8, 0, 0, 1}) +
            Bytes({static_cast<int>(datagram.size() + 4), 0, 9, 0}) + datagram});
  add(178, {Bytes({'M', 'G', 'C', 0x80, 0, 4, 1, 1, 1, 1}) + ethernet});
  add(101, {IpDatagram(a, b, 6, Packet(16, 1), 5, 0x2000),
            IpDatagram(a, b, 6, Packet(16, 2), 5, 0x0002)});
  add(101, {IpDatagram(Address("2001::1"), Address("2001::2"), 44,
                       Bytes({6, 0, 0, 9, 0, 0, 0, 1}) + Packet(16, 1))});
  add(101,
      {IpDatagram(Address("2001::1"), Address("2001::2"), 0,
                  Bytes({60, 0, 0xc2, 4, 0, 1, 0, 0, 6, 0, 1, 4, 0, 0, 0, 0}) + TcpBytes(six))});
  add(101, {IpDatagram(a, b, 47, Bytes({0x30, 0, 8, 0, 0, 0, 0, 1, 0, 0, 0, 2}) + datagram),
            IpDatagram(a, b, 47,
                       Bytes({0x10, 0, 0x88, 0xbe, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0}) + ethernet),
            IpDatagram(a, b, 4, datagram)});
  const Packet macs = Packet(12, 2);
  add(1, {macs + Bytes({0x88, 0xe7, 0, 0, 0, 1}) + ethernet,
          macs + Bytes({0x22, 0xf3, 0, 0x46, 0, 1, 0, 2, 1, 1, 1, 1}) + ethernet,
          macs + Bytes({0x89, 0x03, 0, 1}) + ethernet,
          macs + Bytes({0x89, 0x4f, 0, 2, 1, 4, 0, 0, 1, 9, 0, 2, 1, 1, 0, 0, 1, 8}) + datagram,
          macs + Bytes({0x88, 0xe5, 0x20, 40, 0, 0, 0, 1, 1, 2, 3, 4, 5, 6, 7, 8, 8, 0}) + datagram,
          macs + Bytes({0x89, 0x09, 1, 2, 0, 1, 0, 16, 0, 1, 0, 17, 8, 0}) + datagram,
          macs + Bytes({0x89, 0x2f, 0, 46, 0, 1, 0x88, 0x64, 0x11, 0, 0, 1, 0, 30, 0, 0x21}) +
              datagram});
  add(197, {Packet(8, 1) + Bytes({0x82, 4, 0, 60, 0, 0, 0, 60, 3, 0, 0, 0, 0, 0, 0, 0, 0, 0}) +
            ethernet});
  add(242, {Packet(40, 0) + Bytes({8, 0, 0, 0}) + datagram});
  add(258, {Bytes({12, 0, 0, 0, 1, 0, 0, 0, 1, 0, 0, 0}) + ethernet});
  add(113, {Bytes({0, 0, 3, 0x22, 0, 6, 1, 2, 3, 4, 5, 6, 0, 0, 0, 3}) + ethernet});
  add(101, {IpDatagram(a, b, 51, Bytes({6, 4}) + Packet(22, 0) + TcpBytes(four))});
  add(101, {udp(4789, Bytes({8, 0, 0, 0, 0, 0, 1, 0}) + ethernet),
            udp(6081, Bytes({1, 0, 0x65, 0x58, 0, 0, 1, 0, 1, 2, 3, 0}) + ethernet),
            udp(2152, Bytes({0x34, 0xff, 0, 40, 0, 0, 0, 1, 0, 1, 0, 0x85, 1, 2, 3, 0}) + datagram),
            udp(1701, Bytes({0x40, 2, 0, 60, 0, 1, 0, 2, 0xff, 3, 0, 0x21}) + datagram),
            udp(4341, Bytes({0, 0, 0, 0, 0, 0, 0, 0}) + datagram),
            udp(4790, Bytes({0x0c, 0, 0, 4, 0, 0, 1, 0, 0, 2, 1, 3, 0, 0, 1, 9}) + ethernet),
            udp(5072, Bytes({0x41, 0x52, 0x11, 4, 0, 0, 0, 1}) + Packet(36, 7) + datagram),
            udp(5247, Bytes({0, 0x10, 2, 0, 0, 0, 0, 0}) + ethernet),
            udp(37008, Bytes({1, 0, 0, 1, 10, 1, 5, 1}) + ethernet),
            udp(3544, Bytes({0, 0, 1, 2, 3, 4, 5, 6}) + Datagram(six)), udp(53, Packet(9, 'x'))});
  return seeds;
}
