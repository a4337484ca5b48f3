// What the snapshot length cut off is a hole: a later copy fills it, or another sensor's, in any
// order; also of fragments and of UDP.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <random>

#include "absl/container/flat_hash_set.h"
#include "tests/support/flow_checks.h"
#include "tests/support/merge_rig.h"
#include "tests/support/sensors.h"
#include "tests/support/traffic.h"

namespace flowstitch {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using namespace flowstitch::testing;

constexpr size_t kEthernetBytes = 14;

CapturedPacket CutTo(CapturedPacket packet, size_t snapshot_length) {
  packet.bytes.resize(std::min(packet.bytes.size(), snapshot_length));
  return packet;
}

TEST(CutSegments, AWholeRepeatFillsWhatWasCut) {
  for (const int64_t later_ns : {kNsPerMs, kNsPerSecond, 4 * kNsPerSecond}) {
    Talk talk = Fresh().Handshake();
    talk.FromClient(0, "0123456789").FromClient(10, "abc").Wait(later_ns);
    talk.FromClient(0, "0123456789").Close();
    CutOff(&talk.packets[3].bytes, 4);
    const auto flow = OnlyFlow(talk.packets);
    EXPECT_EQ(flow.client(), "0123456789abc");
    EXPECT_THAT(flow.streams[0].gaps, IsEmpty());
    EXPECT_EQ(flow.summaries[0].truncated_bytes, 4u);
    EXPECT_EQ(flow.summaries[0].late_bytes, 0u);
  }
}

TEST(CutSegments, APartOfWhatWasCutMayCome) {
  Talk talk = Fresh().Handshake();
  talk.FromClient(0, "0123456789").FromClient(4, "4567").FromClient(10, "abc");
  CutOff(&talk.packets[3].bytes, 8);
  const auto flow = OnlyFlow(talk.packets);
  EXPECT_EQ(flow.client(), std::string("01\0\0004567\0\0abc", 13));
  EXPECT_THAT(flow.streams[0].gaps, ElementsAre(RecordedGap{2, 2, GapReason::kTruncated},
                                                RecordedGap{8, 2, GapReason::kTruncated}));
}

// As any hole: some seconds after the peer has the bytes.
TEST(CutSegments, WhatNobodyFillsBecomesAGapInTime) {
  Talk talk = Fresh().Handshake();
  talk.FromClient(0, "0123456789").ServerAcknowledges(10).FromClient(10, "abc");
  CutOff(&talk.packets[3].bytes, 4);
  talk.Wait(4 * kNsPerSecond).ServerAcknowledges(13);
  Sensors sensors;
  for (const CapturedPacket& packet : talk.packets) sensors.See(0, packet, packet.time_ns);
  ASSERT_EQ(sensors.events.flows.size(), 1u);
  EXPECT_EQ(sensors.events.flows[0].client(), "012345");
  talk.packets.clear();
  talk.Wait(2 * kNsPerSecond).ServerAcknowledges(13);
  sensors.See(0, talk.packets[0], talk.packets[0].time_ns);
  EXPECT_EQ(sensors.events.flows[0].client(), std::string("012345\0\0\0\0abc", 13));
}

// Where each segment was cut at one length, nobody waits for what will not come.
TEST(CutSegments, ASourceThatCutsEveryFrameMakesNobodyWait) {
  Talk talk = Fresh().Handshake();
  const std::string text(200, 'x');
  for (int i = 0; i < 200; ++i) {
    talk.FromClient(i * 200, text).ServerAcknowledges((i + 1) * 200);
    if (i == 100) talk.Wait(6 * kNsPerSecond);  // what came before it was known waits as others do
  }
  Sensors sensors;
  for (const CapturedPacket& packet : talk.packets) {
    sensors.See(0, CutTo(packet, 96), packet.time_ns);
  }
  const RecordedStream& stream = sensors.events.flows.at(0).streams[0];
  EXPECT_LE(sensors.reassembler.ledger().waiting_bytes, 42u);
  EXPECT_GE(stream.gaps.size(), 195u);
  sensors.reassembler.Finish();
  EXPECT_EQ(sensors.reassembler.ledger().delivered_bytes, 200u * 42);
  EXPECT_THAT(FindImbalance(sensors.reassembler.ledger()), IsEmpty());
}

TEST(CutSegments, TheLongerCopyOfTwoSensorsCountsInEitherOrder) {
  for (const bool short_first : {false, true}) {
    Talk talk = Fresh().Handshake().Client("0123456789").Client("abc");
    Sensors sensors;
    for (const CapturedPacket& packet : talk.packets) {
      const CapturedPacket cut = CutTo(packet, 60);
      sensors.See(short_first ? 1 : 0, short_first ? cut : packet, packet.time_ns);
      sensors.See(short_first ? 0 : 1, short_first ? packet : cut, packet.time_ns + 1000);
    }
    sensors.reassembler.Finish();
    const RecordedFlow& flow = sensors.events.flows.at(0);
    EXPECT_EQ(flow.client(), "0123456789abc");
    EXPECT_EQ(flow.summaries[0].packets, 4u) << "each copy counts once";
    EXPECT_EQ(flow.summaries[0].retransmitted_bytes + flow.summaries[0].overlapping_bytes, 0u);
    EXPECT_EQ(sensors.reassembler.ledger().duplicate_frames, talk.packets.size());
    EXPECT_THAT(FindImbalance(sensors.reassembler.ledger()), IsEmpty());
  }
}

// The beginning is other: then it is another datagram, and the contradiction is told.
TEST(CutSegments, ALongerCopyWithOtherBytesIsNone) {
  Talk talk = Fresh().Handshake().Client("0123456789");
  Sensors sensors;
  for (const CapturedPacket& packet : talk.packets) {
    sensors.See(0, CutTo(packet, 60), packet.time_ns);
  }
  CapturedPacket other = talk.packets[3];
  other.bytes[56] = 'X';
  sensors.See(1, other, other.time_ns + 1000);
  sensors.reassembler.Finish();
  EXPECT_EQ(sensors.events.flows.at(0).client(), "0123456789");
  EXPECT_THAT(sensors.events.flows.at(0).conflicts, ::testing::SizeIs(1));
  EXPECT_EQ(sensors.reassembler.ledger().duplicate_frames, 0u);
}

TEST(CutSegments, ASynsPayloadToo) {
  for (const bool short_first : {false, true}) {
    Talk talk = Fresh().ClientSegment(1000, 0, kTcpSyn, "0123456789");
    const CapturedPacket& whole = talk.packets[0];
    const CapturedPacket cut = CutTo(whole, 58);
    Sensors sensors;
    sensors.See(0, short_first ? cut : whole, whole.time_ns);
    sensors.See(1, short_first ? whole : cut, whole.time_ns + 1000);
    sensors.reassembler.Finish();
    EXPECT_EQ(sensors.events.flows.at(0).client(), "0123456789");
    EXPECT_THAT(FindImbalance(sensors.reassembler.ledger()), IsEmpty());
  }
}

ReassemblyOptions WithUdp() {
  ReassemblyOptions options;
  options.decoder.udp = true;
  return options;
}

CapturedPacket UdpPacket(uint16_t id, const std::string& text, TimeNs time_ns) {
  const auto length = static_cast<int>(text.size() + 8);
  Packet payload = Bytes({0, 53, 0, 54, length >> 8, length & 255, 0, 0});
  payload.insert(payload.end(), text.begin(), text.end());
  return Capture(EthernetFrame(IpDatagram(kA.address, kB.address, 17, payload, id)), time_ns);
}

TEST(CutSegments, UdpWaitsForTheLongerCopyAndKeepsItsOrder) {
  Sensors sensors(WithUdp());
  const TimeNs start = kNsPerSecond;
  const CapturedPacket first = UdpPacket(1, "0123456789abcdef", start);
  const CapturedPacket second = UdpPacket(2, "abc", start + 1000);
  sensors.See(1, CutTo(first, 55), start);
  sensors.See(1, second, start + 1000);
  EXPECT_EQ(sensors.events.flows.at(0).client(), "");
  sensors.See(0, first, start + 2000);
  sensors.See(0, second, start + 3000);
  EXPECT_EQ(sensors.events.flows.at(0).client(), "0123456789abcdefabc");
  EXPECT_THAT(sensors.events.flows.at(0).streams[0].pieces, ElementsAre(16, 3));
  // One that no other sensor saw becomes a gap when the window is over.
  const CapturedPacket third = UdpPacket(3, "0123456789abcdef", start + 4000);
  sensors.See(1, CutTo(third, 55), start + 4000);
  sensors.See(0, UdpPacket(4, "end", 0), start + kNsPerSecond);
  EXPECT_EQ(sensors.events.flows.at(0).client(),
            std::string("0123456789abcdefabc0123456789abc\0\0\0end", 38));
  sensors.reassembler.Finish();
  EXPECT_EQ(sensors.reassembler.ledger().udp_datagrams, 4u);
  EXPECT_THAT(FindImbalance(sensors.reassembler.ledger()), IsEmpty());
}

TEST(CutSegments, WhatWaitsOfUdpIsBounded) {
  ReassemblyOptions options = WithUdp();
  options.udp.flow_waiting_bytes = 10'000;
  Sensors sensors(options);
  for (uint16_t i = 0; i < 1000; ++i) {
    sensors.See(i % 2, CutTo(UdpPacket(i, std::string(100, 'x'), 0), 90), kNsPerSecond + i);
    EXPECT_LE(sensors.reassembler.ledger().waiting_bytes, 10'000u);
  }
  sensors.reassembler.Finish();
  EXPECT_EQ(sensors.reassembler.ledger().delivered_bytes, 48'000u);
  EXPECT_THAT(FindImbalance(sensors.reassembler.ledger()), IsEmpty());
}

// A datagram cut into fragments, as routers do it.
std::vector<CapturedPacket> Fragments(const CapturedPacket& packet, size_t size) {
  const uint8_t* const ip = packet.bytes.data() + kEthernetBytes;
  const size_t total = LoadBe16(ip + 2) - 20u;
  std::vector<CapturedPacket> fragments;
  for (size_t at = 0; at < total; at += size) {
    const size_t n = std::min(size, total - at);
    CapturedPacket fragment = packet;
    Packet& b = fragment.bytes;
    b.assign(packet.bytes.begin(), packet.bytes.begin() + kEthernetBytes + 20);
    const uint8_t* const from = ip + 20 + at;
    b.insert(b.end(), from, from + n);
    uint8_t* const header = b.data() + kEthernetBytes;
    StoreBe16(header + 2, static_cast<uint16_t>(20 + n));
    StoreBe16(header + 6, static_cast<uint16_t>(at / 8 | (at + n < total ? 0x2000 : 0)));
    StoreBe16(header + 10, 0);
    StoreBe16(header + 10, static_cast<uint16_t>(~OnesComplementSum({header, 20})));
    fragment.wire_length = static_cast<uint32_t>(b.size());
    fragments.push_back(std::move(fragment));
  }
  return fragments;
}

TEST(CutSegments, FragmentsThatWereCutGiveWhatTheyHave) {
  Talk talk = Fresh().Handshake().Client("0123456789abcdefghijklmnopqrstuvwxyz").Close();
  std::vector<CapturedPacket> packets(talk.packets.begin(), talk.packets.begin() + 3);
  for (CapturedPacket& fragment : Fragments(talk.packets[3], 32)) {
    CutOff(&fragment.bytes, packets.size() == 3 ? 5 : 0);
    packets.push_back(fragment);
  }
  packets.insert(packets.end(), talk.packets.begin() + 4, talk.packets.end());
  const auto flow = OnlyFlow(packets);
  EXPECT_EQ(flow.client(), std::string("0123456\0\0\0\0\0cdefghijklmnopqrstuvwxyz", 36));
  EXPECT_THAT(flow.streams[0].gaps, ElementsAre(RecordedGap{7, 5, GapReason::kTruncated}));
}

// Extension headers stand before the segment: what is known of the datagram counts from behind
// them.
TEST(CutSegments, FragmentsWithExtensionHeadersToo) {
  const Endpoint client = End("2001::1", 40000);
  const Endpoint server = End("2001::2", 80);
  SegmentSpec spec{client, server, 1000, 0, kTcpAck, "0123456789abcdefghijklmnopqrstuvwxyz"};
  const Packet options = Bytes({6, 0, 1, 4, 0, 0, 0, 0});  // of the destination: padding
  const Packet whole = options + TcpBytes(spec);
  const auto fragment = [&](size_t from, size_t to) {
    const int field = static_cast<int>(from) | (to < whole.size() ? 1 : 0);
    const Packet part(whole.begin() + static_cast<long>(from),
                      whole.begin() + static_cast<long>(to));
    return Capture(
        EthernetFrame(IpDatagram(client.address, server.address, 44,
                                 Bytes({60, 0, field >> 8, field & 255, 0, 0, 0, 7}) + part)),
        0);
  };
  CapturedPacket first = fragment(0, 40);  // headers and "0123456789ab"
  const CapturedPacket second = fragment(40, whole.size());
  CapturedPacket cut = first;
  CutOff(&cut.bytes, 5);
  Sensors sensors;
  sensors.See(0, cut, kNsPerSecond);
  sensors.See(0, second, kNsPerSecond);
  sensors.See(1, first, kNsPerSecond);
  sensors.reassembler.Finish();
  ASSERT_EQ(sensors.events.flows.size(), 1u);
  EXPECT_EQ(sensors.events.flows[0].client(), spec.payload);
  EXPECT_THAT(sensors.events.flows[0].conflicts, IsEmpty());
  EXPECT_THAT(FindImbalance(sensors.reassembler.ledger()), IsEmpty());
}

// Where each byte of a stream was captured by somebody.
class Captured {
 public:
  // Of a frame in Ethernet, of IPv4 perhaps a fragment; `first` is its datagram, whole.
  void Note(const CapturedPacket& seen, const CapturedPacket& datagram) {
    const uint8_t* const ip = datagram.bytes.data() + kEthernetBytes;
    const bool ipv4 = ip[0] >> 4 == 4;
    const size_t ip_bytes = ipv4 ? 20 : 40;
    const uint8_t* const tcp = ip + ip_bytes;
    const size_t header = static_cast<size_t>(tcp[12] >> 4) * 4;
    const size_t offset =
        ipv4 ? (LoadBe16(seen.bytes.data() + kEthernetBytes + 6) & 0x1fffu) * 8 : 0;
    const size_t begins = kEthernetBytes + ip_bytes;
    const size_t end = offset + std::max(seen.bytes.size(), begins) - begins;
    auto& of_stream = bytes_[{LoadBe16(tcp), LoadBe16(tcp + 2)}];
    for (size_t at = std::max(offset, header); at < end; ++at) {
      of_stream.insert(LoadBe32(tcp + 4) + static_cast<uint32_t>(at - header));
    }
  }
  bool Has(uint16_t from, uint16_t to, uint32_t sequence) const {
    const auto it = bytes_.find({from, to});
    return it != bytes_.end() && it->second.contains(sequence);
  }

 private:
  std::map<std::pair<uint16_t, uint16_t>, absl::flat_hash_set<uint32_t>> bytes_;
};

// Byte for byte what one sensor that captures everything sees, wherever any sensor has the byte;
// a gap elsewhere.
TEST(CutSegments, HoweverEachSensorCutsEveryByteThatOneHasIsThere) {
  for (uint64_t seed = 1; seed <= 1000; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    TrafficOptions options;
    options.seed = seed;
    options.flows = 4;
    options.bytes_per_flow = 5'000;
    options.disorder = 0.1;
    options.loss = seed % 2 == 0 ? 0 : 0.03;
    options.ipv6 = seed % 3 == 0;
    std::vector<CapturedPacket> packets;
    MakeTraffic(options, [&](const CapturedPacket& packet) { packets.push_back(packet); });
    const Outcome whole = Reassemble(packets);
    std::map<std::pair<uint16_t, uint16_t>, uint32_t> isns;
    const size_t sources = 1 + seed % 4;
    MergeRig rig(seed, sources);
    std::vector<size_t> lengths(sources);
    for (size_t& length : lengths) {
      length = rig.random() % 3 == 0 ? 65535 : 100 + rig.random() % 1000;
    }
    const double repeated = static_cast<double>(seed % 5) / 4;
    std::uniform_real_distribution<double> chance(0, 1);
    Captured captured;
    for (const CapturedPacket& packet : packets) {
      const uint8_t* const ip = packet.bytes.data() + kEthernetBytes;
      const bool ipv4 = ip[0] >> 4 == 4;
      const uint8_t* const tcp = ip + (ipv4 ? 20 : 40);
      if ((tcp[13] & kTcpSyn) != 0) isns[{LoadBe16(tcp), LoadBe16(tcp + 2)}] = LoadBe32(tcp + 4);
      std::vector<CapturedPacket> frames = {packet};
      if (ipv4 && packet.bytes.size() > 600 && seed % 4 == 1) frames = Fragments(packet, 400);
      for (const CapturedPacket& frame : frames) {
        const size_t chosen = rig.random() % sources;
        for (size_t source = 0; source < sources; ++source) {
          if (source != chosen && chance(rig.random) >= repeated) continue;
          CapturedPacket seen = source == chosen ? frame : SeenElsewhere(frame, &rig.random);
          const size_t tags = seen.bytes.size() - frame.bytes.size();
          seen = CutTo(seen, lengths[source]);
          rig.Add(source, seen);
          captured.Note(CutTo(frame, seen.bytes.size() - tags), packet);
        }
      }
    }
    EventRecorder events;
    Reassembler reassembler({}, &events);
    if (sources > 1) reassembler.set_several_sources();
    rig.Run([&](const Frame& frame) { reassembler.OnFrame(frame); });
    reassembler.Finish();
    ASSERT_THAT(FindImbalance(reassembler.ledger()), IsEmpty());
    ASSERT_EQ(events.flows.size(), whole.events.flows.size());
    for (const RecordedFlow& wanted : whole.events.flows) {
      const auto flow =
          std::find_if(events.flows.begin(), events.flows.end(),
                       [&](const RecordedFlow& f) { return f.info.client == wanted.info.client; });
      ASSERT_NE(flow, events.flows.end());
      for (int d : {0, 1}) {
        const RecordedStream& got = flow->streams[d];
        ASSERT_TRUE(got.in_order);
        ASSERT_EQ(got.next, wanted.streams[d].next);
        const std::string& all = wanted.streams[d].bytes;
        std::vector<bool> missing(got.next, false);
        for (const RecordedGap& gap : got.gaps) {
          std::fill_n(missing.begin() + static_cast<long>(gap.offset), gap.length, true);
        }
        const uint16_t from = d == 0 ? wanted.info.client.port : wanted.info.server.port;
        const uint16_t to = d == 0 ? wanted.info.server.port : wanted.info.client.port;
        const uint32_t first = isns.at({from, to}) + 1;
        for (size_t i = 0; i < all.size(); ++i) {
          ASSERT_EQ(missing[i], !captured.Has(from, to, first + static_cast<uint32_t>(i))) << i;
          ASSERT_TRUE(missing[i] || got.bytes[i] == all[i]) << i;
        }
      }
    }
  }
}

}  // namespace
}  // namespace flowstitch
