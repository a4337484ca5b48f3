// Link types beyond Ethernet's: each header by its specification, with a datagram behind it.
#include <gtest/gtest.h>

#include "base/frames/link_layer.h"
#include "base/link_type.h"
#include "tests/support/flow_checks.h"

namespace flowstitch {
namespace {

using namespace flowstitch::testing;

Packet Ipv4() { return IpDatagram(Address("10.0.0.1"), Address("10.0.0.2"), 6, Packet(20, 'x')); }
Packet Ipv6() { return IpDatagram(Address("2001::1"), Address("2001::2"), 6, Packet(20, 'x')); }

const Packet kMacs = Bytes({1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12});
const Packet kLlcIpv4 = Bytes({0xaa, 0xaa, 3, 0, 0, 0, 8, 0});
// An 802.11 data frame's header: type, flags, duration, three addresses, sequence.
Packet Wifi(int type, int flags, bool four = false) {
  return Bytes({type, flags, 0, 0}) + Packet(6, 1) + Packet(6, 2) + Packet(6, 3) +
         Bytes({0x10, 0}) + Packet(four ? 6 : 0, 4);
}

struct Case {
  const char* name;
  uint32_t link_type;
  Packet header;
  bool ipv6 = false;
  Packet trailer = {};
};

TEST(LinkTypes, FindTheDatagramBehindEveryHeader) {
  const Packet radiotap = Bytes({0, 0, 8, 0, 0, 0, 0, 0});
  const Case cases[] = {
      {"arcnet bsd, rfc 1051", 7, Bytes({1, 2, 240})},
      {"arcnet bsd, rfc 1201", 7, Bytes({1, 2, 212, 0, 0, 1})},
      {"arcnet bsd, exception", 7, Bytes({1, 2, 212, 0xff, 0, 0xff, 0xff, 0, 0, 1})},
      {"arcnet linux", 129, Bytes({1, 2, 0, 0, 212, 0, 0, 1})},
      {"arcnet linux, ipv6", 129, Bytes({1, 2, 0, 0, 196, 0, 0, 1}), true},
      {"token ring", 6, Bytes({0x10, 0x40}) + kMacs + kLlcIpv4},
      {"token ring with a route", 6,
       Bytes({0x10, 0x40, 1, 2, 3, 4, 5, 6, 0x87, 8, 9, 10, 11, 12, 0x06, 0x30, 0, 1, 0, 2}) +
           kLlcIpv4},
      {"fddi", 10, Bytes({0x50}) + kMacs + kLlcIpv4},
      {"slip", 8, Packet(16, 0)},
      {"ppp, cisco hdlc inside", 50, Bytes({0x0f, 0, 8, 0})},
      {"pppoe", 51, Bytes({0x11, 0, 0, 1, 0, 42, 0, 0x21})},
      {"ppp with direction", 204, Bytes({1, 0xff, 3, 0, 0x21})},
      {"pppd", 166, Bytes({0, 3, 0, 0x57}), true},
      {"cisco hdlc", 104, Bytes({0x8f, 0, 8, 0})},
      {"cisco hdlc, ipv6", 104, Bytes({0x0f, 0, 0x86, 0xdd}), true},
      {"cisco hdlc, vlan", 104, Bytes({0x0f, 0, 0x81, 0, 0, 5, 8, 0})},
      {"cisco hdlc with direction", 205, Bytes({1, 0x0f, 0, 8, 0})},
      {"frame relay", 107, Bytes({0x18, 0x41, 3, 0xcc})},
      {"frame relay, pad, ipv6", 107, Bytes({0x18, 0x41, 3, 0, 0x8e}), true},
      {"frame relay, four address bytes", 107, Bytes({0x18, 0x40, 0x00, 0x41, 3, 0xcc})},
      {"frame relay, snap", 107, Bytes({0x18, 0x41, 3, 0, 0x80, 0, 0, 0, 8, 0})},
      {"frame relay, bridged", 107,
       Bytes({0x18, 0x41, 3, 0, 0x80, 0, 0x80, 0xc2, 0, 7}) + kMacs + Bytes({8, 0})},
      {"frame relay, cisco", 107, Bytes({0x18, 0x41, 8, 0})},
      {"frame relay with direction", 206, Bytes({1, 0x18, 0x41, 3, 0xcc})},
      {"rfc 1483", 100, kLlcIpv4},
      {"enc", 109, Bytes({0, 0, 0, 2}) + Packet(8, 1)},
      {"pflog", 117, Bytes({61}) + Packet(63, 1)},
      {"ip over fibre channel", 122, Packet(16, 1) + kLlcIpv4},
      {"ieee 1394", 138, Packet(16, 1) + Bytes({8, 0})},
      {"netanalyzer", 240, Packet(4, 1) + kMacs + Bytes({8, 0}), false, Packet(4, 0xfc)},
      {"juniper ethernet", 178, Bytes({'M', 'G', 'C', 1}) + kMacs + Bytes({8, 0})},
      {"juniper ethernet, extensions", 178,
       Bytes({'M', 'G', 'C', 0x81, 0, 3, 1, 1, 1}) + kMacs + Bytes({8, 0})},
      {"juniper, no link header", 178, Bytes({'M', 'G', 'C', 3, 2, 0, 0, 0})},
      {"nflog", 239,
       Bytes({2, 0, 0, 1, 8, 0, 1, 0, 8, 0, 0, 1, 5, 0, 10, 0, 'x', 0, 0, 0, 44, 0, 9, 0})},
      {"nflog, big endian", 239, Bytes({2, 0, 0, 1, 0, 8, 0, 1, 8, 0, 0, 1, 0, 44, 0, 9})},
      {"802.11 to the network", 105, Wifi(0x08, 0x01) + kLlcIpv4},
      {"802.11 from the network", 105, Wifi(0x08, 0x02) + kLlcIpv4},
      {"802.11 between access points", 105, Wifi(0x08, 0x03, true) + kLlcIpv4},
      {"802.11 qos", 105, Wifi(0x88, 0x01) + Bytes({0, 0}) + kLlcIpv4},
      {"802.11 qos, ht control", 105, Wifi(0x88, 0x81) + Bytes({0, 0, 1, 2, 3, 4}) + kLlcIpv4},
      {"802.11, rfc 1042's other organisation", 105,
       Wifi(0x08, 0x01) + Bytes({0xaa, 0xaa, 3, 0, 0, 0xf8, 8, 0})},
      {"radiotap", 127, radiotap + Wifi(0x08, 0x01) + kLlcIpv4},
      {"radiotap, fcs", 127, Bytes({0, 0, 9, 0, 2, 0, 0, 0, 0x10}) + Wifi(0x08, 0x01) + kLlcIpv4,
       false, Packet(4, 0xfc)},
      {"radiotap, time and pad", 127,
       Bytes({0, 0, 17, 0, 3, 0, 0, 0}) + Packet(8, 7) + Bytes({0x20}) + Wifi(0x88, 0x01) +
           Bytes({0, 0, 0xee, 0xee}) + kLlcIpv4},
      {"radiotap, more words", 127,
       Bytes({0, 0, 13, 0, 2, 0, 0, 0x80, 0, 0, 0, 0, 0x10}) + Wifi(0x08, 0x01) + kLlcIpv4, false,
       Packet(4, 0xfc)},
      {"prism", 119,
       Bytes({0x44, 0, 0, 0, 144, 0, 0, 0}) + Packet(136, 1) + Wifi(0x08, 1) + kLlcIpv4},
      {"avs", 163,
       Bytes({0x80, 0x21, 0x10, 1, 0, 0, 0, 64}) + Packet(56, 1) + Wifi(0x08, 1) + kLlcIpv4},
      {"avs as prism", 119,
       Bytes({0x80, 0x21, 0x10, 2, 0, 0, 0, 80}) + Packet(72, 1) + Wifi(0x08, 1) + kLlcIpv4},
      {"ppi, 802.11 with fcs", 192,
       Bytes({0, 0, 32, 0, 105, 0, 0, 0, 2, 0, 20, 0}) + Packet(8, 0) + Bytes({1, 0}) +
           Packet(10, 0) + Wifi(0x08, 1) + kLlcIpv4,
       false, Packet(4, 0xfc)},
      {"sll, a whole frame", 113,
       Bytes({0, 0, 0, 1, 0, 6}) + Packet(8, 1) + Bytes({0, 3}) + kMacs + Bytes({8, 0})},
      {"sll, llc", 113, Bytes({0, 0, 0, 1, 0, 6}) + Packet(8, 1) + Bytes({0, 4}) + kLlcIpv4},
      {"sll, ppp", 113, Bytes({0, 0, 2, 0, 0, 0}) + Packet(8, 1) + Bytes({0, 7, 0, 0x21})},
      {"sll, radiotap", 113,
       Bytes({0, 0, 3, 0x23, 0, 6}) + Packet(8, 1) + Bytes({0, 4}) + radiotap + Wifi(0x08, 1) +
           kLlcIpv4},
      {"sll2, a whole frame", 276,
       Bytes({0, 3, 0, 0, 0, 0, 0, 1, 0, 1, 0, 6}) + Packet(8, 1) + kMacs + Bytes({8, 0})},
      {"pktap", 258,
       Bytes({108, 0, 0, 0, 1, 0, 0, 0, 1, 0, 0, 0}) + Packet(96, 0) + kMacs + Bytes({8, 0})},
      {"pktap of macos", 149, Bytes({108, 0, 0, 0, 1, 0, 0, 0, 12, 0, 0, 0}) + Packet(96, 0)},
      {"erf, ethernet", 197,
       Packet(8, 1) + Bytes({2, 4, 0, 60, 0, 0, 0, 60, 0, 0}) + kMacs + Bytes({8, 0})},
      {"erf, extensions, ip", 197,
       Packet(8, 1) + Bytes({0x80 | 22, 4, 0, 60, 0, 0, 0, 60}) + Bytes({0x83}) + Packet(7, 0) +
           Packet(8, 0)},
      {"erf, hdlc", 197, Packet(8, 1) + Bytes({1, 4, 0, 60, 0, 0, 0, 60, 0x0f, 0, 8, 0})},
      {"ip over infiniband", 242, Packet(40, 0) + Bytes({8, 0, 0, 0})},
      {"ppi, ethernet", 192, Bytes({0, 0, 8, 0, 1, 0, 0, 0}) + kMacs + Bytes({8, 0})},
  };
  for (const Case& c : cases) {
    const Packet datagram = c.ipv6 ? Ipv6() : Ipv4();
    const Packet frame = c.header + datagram;
    const Packet whole = frame + c.trailer;
    const LinkLayer link = ReadLinkLayer(c.link_type, whole);
    ASSERT_EQ(link.verdict, LinkVerdict::kIp) << c.name;
    ASSERT_GE(link.datagram.size(), datagram.size()) << c.name;
    EXPECT_EQ(
        Packet(link.datagram.begin(), link.datagram.begin() + static_cast<long>(datagram.size())),
        datagram)
        << c.name;
    // Every byte less is another verdict, and never read beyond.
    for (size_t cut = 0; cut < c.header.size(); ++cut) {
      const Packet part(frame.begin(), frame.begin() + static_cast<long>(cut));
      const LinkLayer less = ReadLinkLayer(c.link_type, part);
      if (less.verdict != LinkVerdict::kIp) continue;
      EXPECT_GE(less.datagram.data(), part.data()) << c.name;
      EXPECT_LE(less.datagram.data() + less.datagram.size(), part.data() + part.size()) << c.name;
    }
  }
}

TEST(LinkTypes, WirelessFramesWithoutADatagramSaySo) {
  const std::pair<const char*, Packet> not_ip[] = {
      {"beacon", Wifi(0x80, 0)},
      {"null data", Wifi(0x48, 1)},
      {"encrypted", Wifi(0x08, 0x41) + Packet(8, 0) + kLlcIpv4 + Ipv4()},
      {"spanning tree", Wifi(0x08, 0x02) + Bytes({0x42, 0x42, 3, 0, 0, 0, 0, 0})},
  };
  for (const auto& [name, frame] : not_ip) {
    EXPECT_EQ(ReadLinkLayer(105, frame).verdict, LinkVerdict::kNotIp) << name;
  }
  Packet later = Wifi(0x08, 1) + kLlcIpv4 + Ipv4();
  later[22] = 0x11;  // second fragment
  EXPECT_EQ(ReadLinkLayer(105, later).verdict, LinkVerdict::kNotIp);
  const Packet bad_fcs = Bytes({0, 0, 9, 0, 2, 0, 0, 0, 0x50}) + Wifi(0x08, 1) + kLlcIpv4 + Ipv4();
  EXPECT_EQ(ReadLinkLayer(127, bad_fcs).verdict, LinkVerdict::kMalformed);
}

TEST(LinkTypes, WirelessAddressesFollowTheDirection) {
  const auto link = [](int flags, bool four) {
    return ReadLinkLayer(105, Wifi(0x08, flags, four) + kLlcIpv4 + Ipv4());
  };
  EXPECT_EQ(link(0, false).destination_mac[0], 1);
  EXPECT_EQ(link(0, false).source_mac[0], 2);
  EXPECT_EQ(link(1, false).destination_mac[0], 3);
  EXPECT_EQ(link(1, false).source_mac[0], 2);
  EXPECT_EQ(link(2, false).destination_mac[0], 1);
  EXPECT_EQ(link(2, false).source_mac[0], 3);
  EXPECT_EQ(link(3, true).destination_mac[0], 3);
  EXPECT_EQ(link(3, true).source_mac[0], 4);
}

// An aggregate of MSDUs brings several segments in one frame.
TEST(LinkTypes, AnAggregateBringsAllItsDatagrams) {
  std::vector<CapturedPacket> packets = Fresh().Handshake().Client("one").Client("two").packets;
  Packet frame = Wifi(0x88, 0x01) + Bytes({0x80, 0});
  for (const size_t i : {size_t{3}, size_t{5}}) {
    const Packet datagram(packets[i].bytes.begin() + 14, packets[i].bytes.end());
    const Packet body = kLlcIpv4 + datagram;
    while (frame.size() % 4 != 2) frame.push_back(0);  // subframes are padded to four
    frame = frame + kMacs + Bytes({0, static_cast<int>(body.size())}) + body;
  }
  const TimeNs time = packets[5].time_ns;
  packets.resize(3);
  packets.push_back(Capture(frame, time, kLinkIeee80211));
  const Outcome outcome = Checked(packets);
  ASSERT_EQ(outcome.events.flows.size(), 1u);
  EXPECT_EQ(outcome.events.flows[0].client(), "onetwo");
  EXPECT_EQ(outcome.ledger.extra_datagrams, 1u);
}

TEST(LinkTypes, UnknownOnesAreCountedByType) {
  EventRecorder events;
  Reassembler reassembler({}, &events);
  for (const uint32_t type : {147u, 147u, 5000u}) {
    reassembler.OnFrame(Capture(Packet(60, 0), 1, type).frame());
  }
  EXPECT_EQ(reassembler.ledger().unknown_link_type_frames, 3u);
  EXPECT_THAT(reassembler.unread(), ::testing::UnorderedElementsAre(
                                        std::pair(UnreadKind{UnreadLayer::kLinkType, 147}, 2u),
                                        std::pair(UnreadKind{UnreadLayer::kLinkType, 5000}, 1u)));
}

TEST(LinkTypes, TagsAndPseudowires) {
  const std::pair<const char*, Packet> cases[] = {
      {"vntag", kMacs + Bytes({0x89, 0x26, 0, 0, 0, 0, 8, 0})},
      {"802.1br", kMacs + Bytes({0x89, 0x3f, 0, 0, 0, 0, 0, 0, 8, 0})},
      {"hsr", kMacs + Bytes({0x89, 0x2f, 0, 46, 0, 1, 8, 0})},
      {"macsec", kMacs + Bytes({0x88, 0xe5, 0, 0, 0, 0, 0, 1, 8, 0})},
      {"macsec with a channel",
       kMacs + Bytes({0x88, 0xe5, 0x20, 0, 0, 0, 0, 1}) + Packet(8, 3) + Bytes({8, 0})},
      {"cisco metadata", kMacs + Bytes({0x89, 0x09, 1, 1, 0, 1, 0, 16, 8, 0})},
      {"cisco metadata, two", kMacs + Bytes({0x89, 0x09, 1, 2, 0, 1, 0, 16, 0, 1, 0, 17, 8, 0})},
      {"cisco time stamp", kMacs + Bytes({0x89, 0x88, 0, 1, 2, 3, 4, 5, 8, 0})},
      {"fabric path", kMacs + Bytes({0x89, 0x03, 0, 0x60}) + kMacs + Bytes({8, 0})},
      {"802.1ah",
       kMacs + Bytes({0x88, 0xa8, 0, 9, 0x88, 0xe7, 0, 0, 0, 7}) + kMacs + Bytes({8, 0})},
      {"trill", kMacs + Bytes({0x22, 0xf3, 0, 0x06, 0, 1, 0, 2}) + kMacs + Bytes({8, 0})},
      {"trill with options",
       kMacs + Bytes({0x22, 0xf3, 0, 0x46, 0, 1, 0, 2, 9, 9, 9, 9}) + kMacs + Bytes({8, 0})},
      {"nsh, ip", kMacs + Bytes({0x89, 0x4f, 0, 2, 1, 1, 0, 0, 1, 255})},
      {"nsh in nsh, ethernet",
       kMacs + Bytes({0x89, 0x4f, 0, 2, 1, 4, 0, 0, 1, 255, 0, 2, 1, 3, 0, 0, 1, 254}) + kMacs +
           Bytes({8, 0})},
      {"mpls ethernet with control word",
       kMacs + Bytes({0x88, 0x47, 0, 1, 1, 64, 0, 0, 0, 0}) + kMacs + Bytes({8, 0})},
      {"mpls ethernet", kMacs + Bytes({0x88, 0x47, 0, 1, 1, 64}) + kMacs + Bytes({8, 0})},
  };
  for (const auto& [name, header] : cases) {
    const Packet frame = header + Ipv4();
    const LinkLayer link = ReadLinkLayer(1, frame);
    ASSERT_EQ(link.verdict, LinkVerdict::kIp) << name;
    EXPECT_EQ(Packet(link.datagram.begin(), link.datagram.end()), Ipv4()) << name;
  }
}

TEST(LinkTypes, FramesInsideFramesHaveAnEnd) {
  const std::pair<const char*, Packet> layers[] = {
      {"fabric path", kMacs + Bytes({0x89, 0x03, 0, 1})},
      {"802.1ah", kMacs + Bytes({0x88, 0xe7, 0, 0, 0, 1})},
      {"trill", kMacs + Bytes({0x22, 0xf3, 0, 6, 0, 1, 0, 2})},
      {"nsh", kMacs + Bytes({0x89, 0x4f, 0, 2, 1, 3, 0, 0, 1, 255})},
      {"bridged", kMacs + Bytes({0x65, 0x58})},
  };
  for (const auto& [name, layer] : layers) {
    Packet frame = kMacs + Bytes({8, 0}) + Ipv4();
    for (int depth = 1; depth < kMaxNestedFrames; ++depth) frame = layer + frame;
    EXPECT_EQ(ReadLinkLayer(1, frame).verdict, LinkVerdict::kIp) << name;
    EXPECT_EQ(ReadLinkLayer(1, layer + frame).verdict, LinkVerdict::kMalformed) << name;
    for (int depth = 0; depth < 5000; ++depth)
      frame.insert(frame.begin(), layer.begin(), layer.end());
    EXPECT_EQ(ReadLinkLayer(1, frame).verdict, LinkVerdict::kMalformed) << name;
  }
  Packet tags = kMacs;
  for (int i = 0; i < 5000; ++i) tags = tags + Bytes({0x89, 0x2f, 0, 46, 0, 1});
  EXPECT_EQ(ReadLinkLayer(1, tags + Bytes({8, 0}) + Ipv4()).verdict, LinkVerdict::kMalformed);
}

TEST(LinkTypes, WhatIsNotReadIsNamed) {
  const std::tuple<const char*, Packet, UnreadKind> cases[] = {
      {"arp", kMacs + Bytes({8, 6}) + Packet(28, 1), {UnreadLayer::kEtherType, 0x0806}},
      {"spanning tree", kMacs + Bytes({0, 3, 0x42, 0x42, 3}), {UnreadLayer::kLlc, 0x42}},
      {"lcp",
       kMacs + Bytes({0x88, 0x64, 0x11, 0, 0, 1, 0, 6, 0xc0, 0x21, 1, 2, 3, 4}),
       {UnreadLayer::kPppProtocol, 0xc021}},
      {"macsec",
       kMacs + Bytes({0x88, 0xe5, 0x0c, 0, 0, 0, 0, 1}) + Packet(40, 1),
       {UnreadLayer::kEncrypted, 0x88e5}},
  };
  for (const auto& [name, frame, kind] : cases) {
    const LinkLayer link = ReadLinkLayer(1, frame);
    EXPECT_EQ(link.verdict, LinkVerdict::kNotIp) << name;
    EXPECT_TRUE(link.unread == kind) << name << ": " << int(link.unread.layer);
  }
  EXPECT_EQ(ReadLinkLayer(1, kMacs + Bytes({0x88, 0xe5, 0})).verdict, LinkVerdict::kMalformed);
  EXPECT_TRUE(ReadLinkLayer(105, Wifi(0x80, 0)).unread ==
              (UnreadKind{UnreadLayer::kWireless, 0x08}));
  EXPECT_TRUE(ReadLinkLayer(105, Wifi(0x08, 0x41) + Packet(30, 1)).unread ==
              (UnreadKind{UnreadLayer::kEncrypted, 0}));
}

// Found by fuzzing: each pseudowire is tried in two ways, and they must not multiply.
TEST(LinkTypes, PseudowiresInsidePseudowiresAreNotOpened) {
  Packet frame;
  for (int i = 0; i < 200; ++i) frame = frame + kMacs + Bytes({0x88, 0x47, 0, 1, 1, 64});
  EXPECT_EQ(ReadLinkLayer(1, frame + kMacs + Bytes({8, 0}) + Ipv4()).verdict, LinkVerdict::kNotIp);
}

}  // namespace
}  // namespace flowstitch
