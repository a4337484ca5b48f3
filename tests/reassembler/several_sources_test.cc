// Many sensors, one truth: however a capture is dealt out and repeated, the streams are those that
// one source's frames give.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <random>

#include "tests/support/event_recorder.h"
#include "tests/support/flow_checks.h"
#include "tests/support/merge_rig.h"
#include "tests/support/sensors.h"
#include "tests/support/traffic.h"

namespace flowstitch {
namespace {

using ::testing::IsEmpty;
using namespace flowstitch::testing;

std::vector<CapturedPacket> Traffic(uint64_t seed) {
  TrafficOptions options;
  options.seed = seed;
  options.flows = 5;
  options.bytes_per_flow = 6'000;
  options.disorder = 0.1;
  options.loss = seed % 2 == 0 ? 0 : 0.05;
  options.ipv6 = seed % 3 == 0;
  std::vector<CapturedPacket> packets;
  MakeTraffic(options, [&](const CapturedPacket& packet) { packets.push_back(packet); });
  return packets;
}

// Streams by ends, in any order of opening.
using Streams = std::map<std::string, std::vector<std::string>>;
Streams StreamsOf(const EventRecorder& events) {
  Streams all;
  for (const RecordedFlow& flow : events.flows) {
    for (int d : {0, 1}) {
      std::string text = flow.streams[d].bytes + "|";
      for (const RecordedGap& gap : flow.streams[d].gaps) {
        text += std::to_string(gap.offset) + "+" + std::to_string(gap.length) + " ";
      }
      const Endpoint& from = d == 0 ? flow.info.client : flow.info.server;
      const Endpoint& to = d == 0 ? flow.info.server : flow.info.client;
      all[FormatIpAddress(from.address) + ":" + std::to_string(from.port) + ">" +
          FormatIpAddress(to.address) + ":" + std::to_string(to.port)]
          .push_back(text);
    }
  }
  for (auto& [name, texts] : all) std::sort(texts.begin(), texts.end());
  return all;
}

enum class Dealing { kByPacket, kByDirection, kByFlow };

TEST(SeveralSources, HoweverDealtOutAndRepeatedTheStreamsAreThoseOfOne) {
  for (uint64_t seed = 1; seed <= 1000; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    const auto packets = Traffic(seed);
    const Outcome wanted = Reassemble(packets);
    const size_t sources = 1 + seed % 8;
    MergeRig rig(seed, sources);
    const auto dealing = static_cast<Dealing>(seed % 3);
    const double repeated = static_cast<double>(seed % 5) / 4;
    std::uniform_real_distribution<double> chance(0, 1);
    uint64_t copies = 0;
    // Clocks differ, in every second round, by more than the time between a flow's packets.
    std::vector<int64_t> skews(sources, 0);
    if (seed % 2 == 0) {
      for (int64_t& skew : skews) skew = static_cast<int64_t>(rig.random() % 100'000);
    }
    const auto add = [&](size_t source, CapturedPacket seen) {
      seen.time_ns += skews[source];
      rig.Add(source, seen);
    };
    for (const CapturedPacket& packet : packets) {
      const size_t ports = packet.bytes.size() > 14 && packet.bytes[14] >> 4 == 4 ? 34 : 54;
      const uint16_t from = LoadBe16(packet.bytes.data() + ports);
      const uint16_t to = LoadBe16(packet.bytes.data() + ports + 2);
      const size_t chosen = dealing == Dealing::kByPacket      ? rig.random()
                            : dealing == Dealing::kByDirection ? MixBits(from)
                                                               : from + to;
      add(chosen % sources, packet);
      for (size_t other = 0; other < sources; ++other) {
        if (other == chosen % sources || chance(rig.random) >= repeated) continue;
        add(other, SeenElsewhere(packet, &rig.random));
        ++copies;
      }
    }
    Outcome got;
    Reassembler reassembler({}, &got.events);
    if (sources > 1) reassembler.set_several_sources();
    rig.Run([&](const Frame& frame) { reassembler.OnFrame(frame); });
    reassembler.Finish();
    ASSERT_EQ(StreamsOf(got.events), StreamsOf(wanted.events));
    // Every copy is known, whatever came first.
    EXPECT_EQ(reassembler.ledger().duplicate_frames, copies);
    EXPECT_EQ(reassembler.ledger().segments, wanted.ledger.segments);
    EXPECT_EQ(reassembler.ledger().delivered_bytes, wanted.ledger.delivered_bytes);
    EXPECT_EQ(reassembler.ledger().retransmitted_bytes, wanted.ledger.retransmitted_bytes);
    EXPECT_THAT(FindImbalance(reassembler.ledger()), IsEmpty());
  }
}

TEST(SeveralSources, ARepeatOfTheSameSourceIsARetransmission) {
  Talk talk = Fresh();
  talk.Handshake().Client("hello");
  Sensors sensors;
  TimeNs time = kNsPerSecond;
  for (const CapturedPacket& packet : talk.packets) sensors.See(0, packet, time += kNsPerMs);
  const CapturedPacket& data = talk.packets[3];
  sensors.See(0, data, time += kNsPerMs);  // again
  sensors.See(1, data, time += kNsPerMs);  // the other sensor saw both
  sensors.See(1, data, time += kNsPerMs);
  sensors.See(1, data, time += kNsPerMs);  // and one that the first did not see
  sensors.reassembler.Finish();
  EXPECT_EQ(sensors.reassembler.ledger().duplicate_frames, 2u);
  EXPECT_EQ(sensors.reassembler.copies(1), 2u);
  EXPECT_EQ(sensors.reassembler.ledger().retransmitted_bytes, 10u);
  EXPECT_EQ(sensors.events.flows.at(0).client(), "hello");
}

TEST(SeveralSources, BeyondTheWindowACopyIsNotKnown) {
  Talk talk = Fresh();
  talk.Handshake().Client("hello");
  Sensors sensors;
  for (const CapturedPacket& packet : talk.packets) sensors.See(0, packet, kNsPerSecond);
  sensors.See(1, talk.packets[3], kNsPerSecond + 500 * kNsPerMs);
  EXPECT_EQ(sensors.reassembler.ledger().duplicate_frames, 1u);
  sensors.See(2, talk.packets[3], kNsPerSecond + 501 * kNsPerMs);
  EXPECT_EQ(sensors.reassembler.ledger().duplicate_frames, 1u);
}

TEST(SeveralSources, OtherDatagramsAreNoCopies) {
  SegmentSpec spec;
  spec.source = kA;
  spec.destination = kB;
  spec.sequence = 100;
  spec.payload = "data";
  spec.ip_id = 7;
  const auto frame = [](const SegmentSpec& s) { return Capture(EthernetFrame(Datagram(s)), 0); };
  std::vector<SegmentSpec> others(8, spec);
  others[0].ip_id = 8;
  others[1].sequence = 101;
  others[2].acknowledgement = 1;
  others[3].flags = kTcpAck | kTcpPsh;
  others[4].payload = "date";
  others[5].payload = "dat";
  others[6].source.port = 1;
  others[7].window = 1;
  for (size_t i = 0; i < others.size(); ++i) {
    Sensors sensors;
    sensors.See(0, frame(spec), kNsPerSecond);
    sensors.See(1, frame(others[i]), kNsPerSecond);
    EXPECT_EQ(sensors.reassembler.ledger().duplicate_frames, 0u) << i;
    sensors.See(1, frame(spec), kNsPerSecond);
    EXPECT_EQ(sensors.reassembler.ledger().duplicate_frames, 1u) << i;
  }
}

TEST(SeveralSources, FragmentsAndUdpCountOnceToo) {
  SegmentSpec spec;
  spec.source = kA;
  spec.destination = kB;
  const std::string text(2000, 'x');
  spec.payload = text;
  const Packet tcp = TcpBytes(spec);
  const auto fragment = [&](size_t from, size_t to, uint16_t field) {
    return Capture(EthernetFrame(IpDatagram(kA.address, kB.address, kProtocolTcp,
                                            Packet(tcp.begin() + static_cast<long>(from),
                                                   tcp.begin() + static_cast<long>(to)),
                                            9, field)),
                   0);
  };
  const CapturedPacket first = fragment(0, 1000, 0x2000);
  const CapturedPacket second = fragment(1000, tcp.size(), 1000 / 8);
  Sensors sensors;
  for (const CapturedPacket& packet : {first, second}) {
    for (uint32_t source : {0u, 1u, 2u}) sensors.See(source, packet, kNsPerSecond);
  }
  EXPECT_EQ(sensors.reassembler.ledger().duplicate_frames, 4u);
  EXPECT_EQ(sensors.reassembler.ledger().segments, 1u);

  ReassemblyOptions options;
  options.decoder.udp = true;
  Sensors udp(options);
  const CapturedPacket datagram =
      Capture(EthernetFrame(IpDatagram(kA.address, kB.address, kProtocolUdp,
                                       Packet{0, 53, 0, 54, 0, 12, 0, 0, 'd', 'a', 't', 'a'}, 5)),
              0);
  udp.See(0, datagram, kNsPerSecond);
  udp.See(1, datagram, kNsPerSecond);
  udp.reassembler.Finish();
  ASSERT_EQ(udp.events.flows.size(), 1u);
  EXPECT_EQ(udp.events.flows[0].streams[0].bytes + udp.events.flows[0].streams[1].bytes, "data");
}

TEST(SeveralSources, SkewsAreEstimated) {
  Sensors sensors;
  std::mt19937_64 random(1);
  TimeNs time = kNsPerSecond;
  for (uint16_t i = 0; i < 2000; ++i) {
    SegmentSpec spec;
    spec.source = kA;
    spec.destination = kB;
    spec.sequence = i;
    spec.ip_id = i;
    const CapturedPacket packet = Capture(EthernetFrame(Datagram(spec)), 0);
    time += kNsPerMs;
    const auto noise = static_cast<int64_t>(random() % 10'000);
    // Source 1's clock is 3 ms ahead, source 2's 7 ms behind: it is seen first.
    sensors.See(2, packet, time - 7 * kNsPerMs + noise);
    sensors.See(0, packet, time);
    sensors.See(1, packet, time + 3 * kNsPerMs);
  }
  const DuplicateFilter& filter = sensors.reassembler.duplicates();
  // 0 and 1 are each compared with 2, which is always first, and by it with each other.
  EXPECT_EQ(filter.skew(2).samples, 2000u);
  EXPECT_EQ(filter.skew(2).reference, 0u);
  EXPECT_NEAR(filter.skew(2).ns, -7.0 * kNsPerMs, 10'000);
  EXPECT_EQ(filter.skew(1).reference, 0u);
  EXPECT_NEAR(filter.skew(1).ns, 3.0 * kNsPerMs, 10'000);
  EXPECT_EQ(filter.skew(0).samples, 0u);
}

TEST(SeveralSources, MemoryIsBounded) {
  ReassemblyOptions options;
  options.decoder.duplicates.datagrams = 100;
  Sensors sensors(options);
  for (uint32_t i = 0; i < 1000; ++i) {
    SegmentSpec spec;
    spec.source = kA;
    spec.destination = kB;
    spec.sequence = i;
    sensors.See(i % 2, Capture(EthernetFrame(Datagram(spec)), 0), kNsPerSecond);
  }
  EXPECT_LE(sensors.reassembler.duplicates().size(), 100u);
  EXPECT_EQ(sensors.reassembler.ledger().duplicates_forgotten, 900u);
}

}  // namespace
}  // namespace flowstitch
