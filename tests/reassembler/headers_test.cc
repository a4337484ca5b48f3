// Link layers, IP and TCP headers: what is read, and what is refused.
#include <gtest/gtest.h>

#include <array>
#include "base/frames/ip_header.h"
#include "base/frames/link_layer.h"
#include "reassembler/frames/tcp_header.h"
#include "tests/support/packet_builder.h"

namespace flowstitch {
namespace {

using namespace flowstitch::testing;

Packet Ipv4() { return IpDatagram(Address("10.0.0.1"), Address("10.0.0.2"), 6, Packet(20, 'x')); }
Packet Ipv6() { return IpDatagram(Address("2001::1"), Address("2001::2"), 6, Packet(20, 'x')); }

struct LinkCase {
  const char* name;
  uint32_t link_type;
  Packet header;
  bool ipv6 = false;
  std::vector<uint16_t> vlans = {};
};

const Packet kMacs = Bytes({1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12});

TEST(LinkLayer, FindsTheDatagramBehindEveryHeader) {
  const LinkCase cases[] = {
      {"ethernet", 1, kMacs + Bytes({8, 0})},
      {"ethernet ipv6", 1, kMacs + Bytes({0x86, 0xdd}), true},
      {"vlan, priority bits apart", 1, kMacs + Bytes({0x81, 0, 0xe0, 42, 8, 0}), false, {42}},
      {"qinq", 1, kMacs + Bytes({0x88, 0xa8, 0, 7, 0x81, 0, 1, 0, 8, 0}), false, {7, 256}},
      {"four tags",
       1,
       kMacs + Bytes({0x91, 0, 0, 1, 0x81, 0, 0, 2, 0x81, 0, 0, 3, 0x81, 0, 0, 4, 8, 0}),
       false,
       {1, 2, 3, 4}},
      {"llc snap", 1, kMacs + Bytes({0, 48, 0xaa, 0xaa, 3, 0, 0, 0, 8, 0})},
      {"mpls", 1, kMacs + Bytes({0x88, 0x47, 0, 1, 0, 64, 0, 2, 1, 64})},
      {"pppoe", 1, kMacs + Bytes({0x88, 0x64, 0x11, 0, 0, 1, 0, 42, 0, 0x21})},
      {"null little", 0, Bytes({2, 0, 0, 0})},
      {"null big", 0, Bytes({0, 0, 0, 2})},
      {"null macos ipv6", 0, Bytes({30, 0, 0, 0}), true},
      {"null freebsd ipv6", 0, Bytes({28, 0, 0, 0}), true},
      {"null netbsd ipv6, big", 0, Bytes({0, 0, 0, 24}), true},
      {"null linux ipv6", 0, Bytes({10, 0, 0, 0}), true},
      {"loop", 108, Bytes({0, 0, 0, 2})},
      {"raw", 101, {}},
      {"raw of bsd", 12, {}, true},
      {"ipv4", 228, {}},
      {"ipv6", 229, {}, true},
      {"sll", 113, Bytes({0, 0, 0, 1, 0, 6, 1, 2, 3, 4, 5, 6, 0, 0, 8, 0})},
      {"sll with vlan",
       113,
       Bytes({0, 0, 0, 1, 0, 6, 1, 2, 3, 4, 5, 6, 0, 0, 0x81, 0, 0, 9, 8, 0}),
       false,
       {9}},
      {"sll2", 276, Bytes({8, 0, 0, 0, 0, 0, 0, 2, 0, 1, 0, 6, 1, 2, 3, 4, 5, 6, 0, 0})},
      {"ppp", 9, Bytes({0xff, 3, 0, 0x21})},
      {"ppp without address", 9, Bytes({0, 0x21})},
      {"ppp, one byte of protocol", 9, Bytes({0x21})},
      {"ppp hdlc, ipv6", 50, Bytes({0xff, 3, 0, 0x57}), true},
  };
  for (const LinkCase& c : cases) {
    const Packet datagram = c.ipv6 ? Ipv6() : Ipv4();
    const Packet frame = c.header + datagram;
    const LinkLayer link = ReadLinkLayer(c.link_type, frame);
    ASSERT_EQ(link.verdict, LinkVerdict::kIp) << c.name;
    EXPECT_EQ(Packet(link.datagram.begin(), link.datagram.end()), datagram) << c.name;
    ASSERT_EQ(link.vlans.count, c.vlans.size()) << c.name;
    for (size_t i = 0; i < c.vlans.size(); ++i) EXPECT_EQ(link.vlans.ids[i], c.vlans[i]) << c.name;
    // Every byte less is malformed or another verdict, and never read beyond.
    for (size_t cut = 0; cut < c.header.size(); ++cut) {
      const Packet part(frame.begin(), frame.begin() + static_cast<long>(cut));
      EXPECT_NE(ReadLinkLayer(c.link_type, part).verdict, LinkVerdict::kIp) << c.name << cut;
    }
  }
}

TEST(LinkLayer, WhatIsNotIpIsSaidToBeSo) {
  const std::tuple<uint32_t, Packet, LinkVerdict> cases[] = {
      {1, kMacs + Bytes({8, 6}) + Packet(28, 0), LinkVerdict::kNotIp},                  // ARP
      {1, kMacs + Bytes({0, 38, 0x42, 0x42, 3}) + Packet(35, 0), LinkVerdict::kNotIp},  // STP
      {0, Bytes({7, 0, 0, 0}) + Packet(20, 0), LinkVerdict::kNotIp},
      {9, Bytes({0xff, 3, 0xc0, 0x21}) + Packet(4, 0), LinkVerdict::kNotIp},  // LCP
      {147, Packet(60, 0), LinkVerdict::kUnknownLinkType},
      {1, kMacs + Bytes({8, 0, 0x15}), LinkVerdict::kMalformed},  // version 1
      {101, {}, LinkVerdict::kMalformed},
  };
  for (const auto& [type, frame, verdict] : cases) {
    EXPECT_EQ(ReadLinkLayer(type, frame).verdict, verdict) << type;
  }
  Packet tags = kMacs;
  for (int i = 0; i < kMaxVlanTags + 1; ++i) tags = tags + Bytes({0x81, 0, 0, i});
  EXPECT_EQ(ReadLinkLayer(1, tags + Bytes({8, 0}) + Ipv4()).verdict, LinkVerdict::kMalformed);
}

TEST(IpHeader, TheDatagramsLengthBoundsThePayload) {
  Packet d = Ipv4() + Packet(6, 0);  // Ethernet padding
  auto ip = ReadIpHeader(d);
  ASSERT_TRUE(ip);
  EXPECT_EQ(ip->payload.size(), 20u);
  EXPECT_EQ(ip->truncated, 0u);
  d = Ipv4();
  d.resize(30);  // cut by the snapshot length
  ip = ReadIpHeader(d);
  ASSERT_TRUE(ip);
  EXPECT_EQ(ip->payload.size(), 10u);
  EXPECT_EQ(ip->truncated, 10u);
  d = Ipv4();
  d[2] = d[3] = 0;  // segmentation offload
  ip = ReadIpHeader(d);
  ASSERT_TRUE(ip);
  EXPECT_EQ(ip->payload.size(), 20u);
  d = Ipv6();
  d[5] = 200;
  ip = ReadIpHeader(d);
  ASSERT_TRUE(ip);
  EXPECT_EQ(ip->payload.size(), 20u);
  EXPECT_EQ(ip->truncated, 180u);
}

TEST(IpHeader, ImpossibleHeadersAreRefused) {
  Packet short_header = Ipv4();
  short_header[0] = 0x44;
  EXPECT_FALSE(ReadIpHeader(short_header));
  Packet long_header = Ipv4();
  long_header[0] = 0x4f;  // 60 bytes of 40
  EXPECT_FALSE(ReadIpHeader(long_header));
  Packet total = Ipv4();
  total[3] = 19;  // less than its own header
  EXPECT_FALSE(ReadIpHeader(total));
  EXPECT_FALSE(ReadIpHeader(Bytes({0x45, 0, 0})));
  EXPECT_FALSE(ReadIpHeader({}));
  EXPECT_FALSE(ReadIpHeader(Bytes({0x60, 0, 0})));
}

// RFC 4302: what is authenticated is not hidden.
TEST(IpHeader, AuthenticationOfIpv4IsSkipped) {
  Packet datagram;  // that the views lie in
  const auto read = [&datagram](const Packet& payload, uint16_t fragment_field = 0) {
    datagram = IpDatagram(Address("10.0.0.1"), Address("10.0.0.2"), 51, payload, 1, fragment_field);
    return ReadIpHeader(datagram);
  };
  const Packet header = Bytes({6, 4}) + Packet(22, 0);  // 6 words
  const auto ip = read(header + Bytes({1, 2, 3}));
  ASSERT_TRUE(ip);
  EXPECT_EQ(ip->protocol, 6);
  EXPECT_EQ(Packet(ip->payload.begin(), ip->payload.end()), Bytes({1, 2, 3}));
  // Two, one within the other.
  const auto twice = read(Bytes({51, 4}) + Packet(22, 0) + header + Bytes({1}));
  ASSERT_TRUE(twice);
  EXPECT_EQ(twice->protocol, 6);
  EXPECT_EQ(twice->payload.size(), 1u);
  EXPECT_FALSE(read(Bytes({6, 9}) + Packet(22, 0)));  // longer than what is there
  // Of a fragment it is looked at when the datagram is whole.
  const auto fragment = read(header, 0x2000);
  ASSERT_TRUE(fragment);
  EXPECT_EQ(fragment->protocol, 51);
}

Packet WithExtensions(const std::vector<std::pair<int, Packet>>& chain, const Packet& payload) {
  Packet rest;
  for (size_t i = 0; i < chain.size(); ++i) {
    Packet header = chain[i].second;
    header[0] = static_cast<uint8_t>(i + 1 < chain.size() ? chain[i + 1].first : 6);
    rest = rest + header;
  }
  return IpDatagram(Address("2001::1"), Address("2001::2"), static_cast<uint8_t>(chain[0].first),
                    rest + payload);
}

TEST(IpHeader, Ipv6ExtensionHeadersAreWalked) {
  const Packet options = Bytes({0, 0, 1, 4, 0, 0, 0, 0});
  const Packet longer = Bytes({0, 1, 1, 12, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0});
  const Packet authentication = Bytes({0, 4}) + Packet(22, 0);
  const Packet chain = WithExtensions(
      {{0, options}, {43, longer}, {60, options}, {51, authentication}, {135, options}},
      Bytes({1, 2, 3}));
  const auto ip = ReadIpHeader(chain);
  ASSERT_TRUE(ip);
  EXPECT_EQ(ip->protocol, 6);
  EXPECT_EQ(Packet(ip->payload.begin(), ip->payload.end()), Bytes({1, 2, 3}));
  // An atomic fragment is a whole datagram; a real one is not.
  EXPECT_FALSE(
      ReadIpHeader(WithExtensions({{44, Bytes({0, 0, 0, 0, 0, 0, 0, 9})}}, Bytes({1})))->fragment);
  const auto fragment =
      ReadIpHeader(WithExtensions({{44, Bytes({0, 0, 1, 1, 0, 0, 0, 9})}}, Bytes({1})));
  ASSERT_TRUE(fragment);
  EXPECT_TRUE(fragment->fragment);
  EXPECT_TRUE(fragment->more_fragments);
  EXPECT_EQ(fragment->fragment_offset, 256u);
  EXPECT_EQ(fragment->identification, 9u);
  // Too long a chain, and one that leads beyond the end.
  EXPECT_FALSE(
      ReadIpHeader(WithExtensions(std::vector<std::pair<int, Packet>>(17, {60, options}), {})));
  Packet beyond = WithExtensions({{0, options}}, {});
  beyond[41] = 200;
  EXPECT_FALSE(ReadIpHeader(beyond));
}

TEST(IpHeader, AJumboPayloadHasItsLengthInAnOption) {
  Packet d = WithExtensions({{0, Bytes({0, 0, 0xc2, 4, 0, 1, 0x38, 0x80})}}, Packet(1000, 'j'));
  d[4] = d[5] = 0;
  const auto ip = ReadIpHeader(d);
  ASSERT_TRUE(ip);
  EXPECT_EQ(ip->payload.size(), 1000u);
  EXPECT_EQ(ip->truncated, 0x13880u - 1008u);
}

std::optional<TcpHeader> ReadTcp(ByteView bytes) {
  TcpHeader tcp;
  return ReadTcpHeader(bytes, &tcp) ? std::optional(tcp) : std::nullopt;
}

TEST(TcpHeader, LengthsAreChecked) {
  const SegmentSpec good{End("10.0.0.1", 1), End("10.0.0.2", 2), 7, 9, kTcpAck, "data"};
  const Packet bytes = TcpBytes(good);
  const auto tcp = ReadTcp(bytes);
  ASSERT_TRUE(tcp);
  EXPECT_EQ(AsText(tcp->payload), "data");
  EXPECT_EQ(tcp->sequence, 7u);
  EXPECT_EQ(tcp->acknowledgement, 9u);
  for (const uint8_t offset : std::to_array<uint8_t>({0x00, 0x40, 0x70, 0xf0})) {
    Packet bad = TcpBytes(good);
    bad[12] = offset;
    EXPECT_EQ(ReadTcp(bad).has_value(), false) << int{offset};
  }
  Packet cut = TcpBytes(good);
  cut.resize(19);
  EXPECT_FALSE(ReadTcp(cut));
}

TEST(TcpHeader, FastOpenIsFoundAmongBrokenOptions) {
  SegmentSpec syn{End("10.0.0.1", 1), End("10.0.0.2", 2), 7, 0, kTcpSyn};
  const std::pair<Packet, bool> cases[] = {
      {Bytes({2, 4, 5, 0xb4, 34, 2}), true}, {Bytes({1, 1, 254, 4, 0xf9, 0x89}), true},
      {Bytes({2, 4, 5, 0xb4}), false},       {Bytes({0, 34, 2, 0}), false},
      {Bytes({3, 0, 34, 2}), false},         {Bytes({8, 40, 34, 2}), false},
  };
  for (const auto& [options, wanted] : cases) {
    syn.options = options;
    EXPECT_EQ(ReadTcp(TcpBytes(syn))->fast_open, wanted);
  }
}

}  // namespace
}  // namespace flowstitch
