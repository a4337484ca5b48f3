// Which flow each frame became part of, and frames that may only continue flows.
#include <map>
#include <random>

#include "tests/support/flow_checks.h"
#include "tests/support/traffic.h"

namespace flowstitch {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::SizeIs;
using namespace flowstitch::testing;

// Frames as they were told, by flow; and everything else of the recorder.
class FrameEvents : public EventRecorder {
 public:
  struct One {
    std::string bytes;
    std::string payload;
    Direction direction;
    TimeNs time_ns;
  };
  void OnFrame(std::optional<FlowId> flow, Direction direction, const Frame& frame,
               ByteView payload) override {
    auto& list = flow ? of_flows[*flow] : others;
    list.push_back(
        {std::string(AsText(frame.bytes)), std::string(AsText(payload)), direction, frame.time_ns});
  }
  std::map<FlowId, std::vector<One>> of_flows;
  std::vector<One> others;
};

FrameEvents RunFrames(const std::vector<CapturedPacket>& packets, ReassemblyOptions options = {}) {
  options.frames = {true, true};
  FrameEvents events;
  Reassembler reassembler(options, &events);
  for (const CapturedPacket& packet : packets) reassembler.OnFrame(packet.frame());
  reassembler.Finish();
  EXPECT_THAT(FindImbalance(reassembler.ledger()), IsEmpty());
  return events;
}

std::string Text(const CapturedPacket& packet) {
  return std::string(AsText({packet.bytes.data(), packet.bytes.size()}));
}

TEST(Frames, AFlowHasAllOfItsFramesFromTheSynToTheLastAcknowledgement) {
  Talk talk = Fresh().Handshake().Client("abc").Server("defg").Close();
  const FrameEvents events = RunFrames(talk.packets);
  ASSERT_THAT(events.of_flows, SizeIs(1));
  EXPECT_THAT(events.others, IsEmpty());
  const auto& frames = events.of_flows.begin()->second;
  ASSERT_EQ(frames.size(), talk.packets.size());
  std::string client;
  std::string server;
  for (size_t i = 0; i < frames.size(); ++i) {
    EXPECT_EQ(frames[i].bytes, Text(talk.packets[i]));
    EXPECT_EQ(frames[i].time_ns, talk.packets[i].time_ns);
    (frames[i].direction == kClientToServer ? client : server) += frames[i].payload;
  }
  EXPECT_EQ(client, "abc");
  EXPECT_EQ(server, "defg");
}

TEST(Frames, WhatBecameNoFlowIsTold) {
  Talk scan(kA, kB);
  scan.ClientSegment(1, 0, kTcpSyn);
  const CapturedPacket arp = Capture(Packet(60, 0), scan.time_ns);
  const FrameEvents events = RunFrames(Join(scan.packets, {arp}));
  EXPECT_THAT(events.of_flows, IsEmpty());
  ASSERT_THAT(events.others, SizeIs(2));
  EXPECT_EQ(events.others[0].bytes, Text(arp)) << "the attempt is given up at the end";
  EXPECT_EQ(events.others[1].bytes, Text(scan.packets[0]));
}

// Whatever comes, each frame is told once, and a flow's payload in the order of its arrival.
TEST(Frames, EveryFrameIsToldOnce) {
  for (uint64_t seed = 1; seed <= 30; ++seed) {
    TrafficOptions traffic;
    traffic.seed = seed;
    traffic.flows = 20;
    traffic.bytes_per_flow = 20'000;
    traffic.disorder = 0.1;
    traffic.loss = 0.05;
    std::vector<CapturedPacket> packets;
    MakeTraffic(traffic, [&](const CapturedPacket& packet) { packets.push_back(packet); });
    std::mt19937_64 random(seed);
    ReassemblyOptions options;
    options.tcp.half_open_flows = 1 + random() % 4;
    options.tcp.flows = 1 + random() % 20;
    for (int i = 0; i < 50; ++i) {
      Talk scan(End("10.1.0.1", static_cast<uint16_t>(1 + i)), kB);
      scan.time_ns = packets.back().time_ns;
      scan.ClientSegment(1, 0, kTcpSyn);
      packets.insert(packets.begin() + static_cast<long>(random() % packets.size()),
                     scan.packets[0]);
    }
    const FrameEvents events = RunFrames(packets, options);
    std::multiset<std::string> told;
    for (const auto& frame : events.others) told.insert(frame.bytes);
    for (const auto& [flow, frames] : events.of_flows) {
      for (const auto& frame : frames) told.insert(frame.bytes);
    }
    std::multiset<std::string> sent;
    for (const CapturedPacket& packet : packets) sent.insert(Text(packet));
    EXPECT_EQ(told, sent) << "seed " << seed;
  }
}

// The frames by which another sequence space showed itself are that flow's.
TEST(Frames, AFlowBesideAnotherHasItsFirstFramesToo) {
  Talk talk = Fresh().Handshake().Client("first");
  Talk stray(kA, kB, 3'000'000'000, 2'000'000'000);
  stray.time_ns = talk.time_ns;
  for (int i = 0; i < 6; ++i) stray.FromClient(i * 10, "0123456789");
  const FrameEvents events = RunFrames(Join(talk, stray));
  ASSERT_THAT(events.flows, SizeIs(2));
  EXPECT_EQ(events.flows[1].client().size(), 60u);
  EXPECT_THAT(events.others, IsEmpty());
  EXPECT_THAT(events.of_flows.at(events.flows[1].info.id), SizeIs(6));
  // A run that comes to nothing is told too.
  Talk lone(kA, kB, 3'000'000'000, 2'000'000'000);
  lone.time_ns = talk.time_ns;
  lone.FromClient(0, "lone");
  EXPECT_THAT(RunFrames(Join(talk, lone)).others, SizeIs(1));
}

TEST(Frames, OffTheyCostNothing) {
  FrameEvents events;
  Reassembler reassembler({}, &events);
  const Talk talk = Fresh().Handshake().Client("x").Close();
  for (const auto& packet : talk.packets) reassembler.OnFrame(packet.frame());
  reassembler.Finish();
  EXPECT_THAT(events.of_flows, IsEmpty());
  EXPECT_THAT(events.others, IsEmpty());
}

// tcpflow's -R: frames that go on with what is open.
TEST(ContinuingFrames, OpenNoFlowOfAnyKind) {
  const auto run = [](const std::vector<CapturedPacket>& first,
                      const std::vector<CapturedPacket>& then) {
    EventRecorder events;
    ReassemblyOptions options;
    options.decoder.udp = true;
    Reassembler reassembler(options, &events);
    for (const auto& packet : first) reassembler.OnFrame(packet.frame());
    for (const auto& packet : then) {
      Frame frame = packet.frame();
      frame.opens_no_flow = true;
      reassembler.OnFrame(frame);
    }
    reassembler.Finish();
    EXPECT_THAT(FindImbalance(reassembler.ledger()), IsEmpty());
    return std::pair{events.flows, reassembler.ledger()};
  };
  Talk open = Fresh().Handshake().Client("one ");
  Talk rest = open;
  rest.packets.clear();
  rest.Client("two").Close();
  EXPECT_EQ(run(open.packets, rest.packets).first.at(0).client(), "one two");
  // An attempt whose answer comes in the second part is open too.
  Talk attempt = Fresh().Handshake();
  const std::vector<CapturedPacket> syn(attempt.packets.begin(), attempt.packets.begin() + 1);
  EXPECT_THAT(run(syn, rest.packets).first, SizeIs(1));
  // Another connection, also on ports that are open, and one that was closed.
  Talk other(kA, kB, 900'000'000, 800'000'000);
  other.time_ns = rest.time_ns;
  other.Handshake().Client("other").Client("more").Client("and more").Close();
  const auto [flows, ledger] = run(open.packets, other.packets);
  ASSERT_THAT(flows, SizeIs(1));
  EXPECT_EQ(flows[0].client(), "one ");
  EXPECT_THAT(run({}, other.packets).first, IsEmpty());
  EXPECT_EQ(run({}, other.packets).second.unopened_bytes, 17u);
  EXPECT_THAT(run(Join(open, rest), other.packets).first, SizeIs(1));
}

TEST(Beacons, AreCountedByTheirSenderAndName) {
  const auto beacon = [](int last, std::string_view ssid) {
    Packet frame = Bytes({0x80, 0, 0, 0,    255, 255, 255, 255, 255, 255,  2, 0,
                          0,    0, 0, last, 2,   0,   0,   0,   0,   last, 0, 0});
    frame.insert(frame.end(), 12, 0);
    frame.push_back(0);
    frame.push_back(static_cast<uint8_t>(ssid.size()));
    frame.insert(frame.end(), ssid.begin(), ssid.end());
    return Capture(frame, 0, 105);
  };
  EventRecorder events;
  Reassembler reassembler({}, &events);
  const CapturedPacket whole = beacon(1, "net");
  for (const auto& packet : {whole, beacon(1, "net"), beacon(2, "net"), beacon(1, "")}) {
    reassembler.OnFrame(packet.frame());
  }
  // Cut anywhere it is another one or none, and nothing is read beyond.
  for (size_t size = 0; size < whole.bytes.size(); ++size) {
    const Packet cut(whole.bytes.begin(), whole.bytes.begin() + static_cast<long>(size));
    reassembler.OnFrame(Capture(cut, 0, 105).frame());
  }
  EXPECT_THAT(reassembler.networks(), SizeIs(3));
  EXPECT_EQ((reassembler.networks().at({{2, 0, 0, 0, 0, 1}, "net"})), 2u);
}

}  // namespace
}  // namespace flowstitch
