// What of a frame is data at all: truncation, padding, checksums, lengths, IPv6 headers.
#include "reassembler/frames/checksums.h"
#include "tests/support/flow_checks.h"

namespace flowstitch {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using namespace flowstitch::testing;

TEST(Integrity, Case61_WhatTheSnapshotLengthCutIsATruncatedGap) {
  auto packets = Fresh().Handshake().Client("0123456789").Client("abc").Close().packets;
  CutOff(&packets[3].bytes, 4);
  const auto flow = OnlyFlow(packets);
  EXPECT_EQ(flow.client(), std::string("012345\0\0\0\0abc", 13));
  EXPECT_THAT(flow.streams[0].gaps, ElementsAre(RecordedGap{6, 4, GapReason::kTruncated}));
  EXPECT_EQ(flow.close_reason, CloseReason::kFinished);
}

// A whole repeat of a segment whose end was cut off takes its place while it waits.
TEST(Integrity, Case61b_WholeBytesTakeThePlaceOfTruncatedOnes) {
  Talk talk = Fresh().Handshake();
  talk.FromClient(2, "cdefgh").FromClient(2, "cdefgh").FromClient(0, "ab");
  CutOff(&talk.packets[3].bytes, 4);
  const auto flow = OnlyFlow(talk.packets);
  EXPECT_EQ(flow.client(), "abcdefgh");
  EXPECT_THAT(flow.streams[0].gaps, IsEmpty());
}

TEST(Integrity, Case62_PaddingAndFcsAreNeverData) {
  auto packets = Fresh().Handshake().Client("x").Close().packets;
  for (auto& packet : packets) {
    packet.bytes.resize(std::max<size_t>(packet.bytes.size(), 60), 'P');
    for (int i = 0; i < 4; ++i) packet.bytes.push_back('F');
    packet.wire_length = static_cast<uint32_t>(packet.bytes.size());
  }
  const auto flow = OnlyFlow(packets);
  EXPECT_EQ(flow.client(), "x");
  EXPECT_EQ(flow.server(), "");
}

// The one's complement sum of RFC 1071, section 3, and a definition of it to compare with.
TEST(Integrity, Case63_TheSumIsThatOfRfc1071) {
  EXPECT_EQ(OnesComplementSum(Bytes({0x00, 0x01, 0xf2, 0x03, 0xf4, 0xf5, 0xf6, 0xf7})), 0xddf2);
  for (size_t size = 0; size < 70; ++size) {
    Packet bytes(size);
    for (size_t i = 0; i < size; ++i) bytes[i] = static_cast<uint8_t>(i * 89 + 77);
    uint32_t sum = 0;
    for (size_t i = 0; i < size; ++i) {
      sum += i % 2 == 0 ? uint32_t{bytes[i]} << 8 : bytes[i];
      if (sum > 0xffff) sum = sum - 0xffff;
    }
    EXPECT_EQ(OnesComplementSum(bytes) % 0xffff, sum % 0xffff) << size;
  }
}

std::vector<CapturedPacket> WithDamage(bool ipv6) {
  Talk talk = ipv6 ? Talk(End("2001::1", 40000), End("2001::2", 80)) : Fresh();
  talk.Handshake().Client("good ").FromClient(5, "EVIL").FromClient(5, "data").Server("answer");
  talk.packets[5].bytes.back() ^= 1;
  return talk.packets;
}

TEST(Integrity, Case63b_ChecksumsAreIgnoredOrObeyed) {
  for (const bool ipv6 : {false, true}) {
    ReassemblyOptions options;
    EXPECT_EQ(OnlyFlow(WithDamage(ipv6), options).client().substr(0, 8), "good EVI");
    for (const auto policy : {ChecksumPolicy::kDrop, ChecksumPolicy::kAuto}) {
      options.decoder.checksum = policy;
      const Outcome outcome = Checked(WithDamage(ipv6), options);
      EXPECT_EQ(outcome.events.flows[0].client(), "good data");
      EXPECT_EQ(outcome.events.flows[0].server(), "answer");
      EXPECT_EQ(outcome.ledger.bad_checksum_datagrams, 1u);
    }
  }
}

TEST(Integrity, Case63c_AutoAcceptsASenderThatLeavesChecksumsToItsCard) {
  auto packets = Fresh().Handshake().Client("from here").Server("from there").Close().packets;
  uint64_t by_client = 0;
  for (auto& packet : packets) {
    if (LoadBe16(packet.bytes.data() + 14 + 20) != kA.port) continue;
    StoreBe16(packet.bytes.data() + 14 + 20 + 16, 0x1234);
    ++by_client;
  }
  ReassemblyOptions options;
  options.decoder.checksum = ChecksumPolicy::kAuto;
  const auto flow = OnlyFlow(packets, options);
  EXPECT_EQ(flow.client(), "from here");
  EXPECT_EQ(flow.server(), "from there");
  options.decoder.checksum = ChecksumPolicy::kDrop;
  EXPECT_EQ(Checked(packets, options).ledger.bad_checksum_datagrams, by_client);
}

TEST(Integrity, Case63d_AWrongIpv4HeaderSumIsAWrongChecksum) {
  auto packets = Fresh().Handshake().Client("data").packets;
  packets[3].bytes[14 + 8] ^= 0xff;  // TTL
  ReassemblyOptions options;
  options.decoder.checksum = ChecksumPolicy::kDrop;
  EXPECT_EQ(Checked(packets, options).ledger.bad_checksum_datagrams, 1u);
}

TEST(Integrity, Case64_LengthZeroMeansAllThatWasCaptured) {
  const std::string text(20'000, 'T');
  auto packets = Fresh().Handshake().Client(text, 20'000).packets;
  StoreBe16(packets[3].bytes.data() + 14 + 2, 0);
  EXPECT_EQ(OnlyFlow(packets).client(), text);
}

TEST(Integrity, Case64b_AnIpv6JumboIsReadWhole) {
  const std::string text(70'000, 'J');
  SegmentSpec spec{End("2001::1", 40000), End("2001::2", 80), 7, 0, kTcpAck, text};
  const Packet tcp = TcpBytes(spec);
  const size_t length = tcp.size() + 8;
  Packet datagram = IpDatagram(
      spec.source.address, spec.destination.address, 0,
      Bytes({6, 0, 0xc2, 4, static_cast<int>(length >> 24), static_cast<int>(length >> 16 & 255),
             static_cast<int>(length >> 8 & 255), static_cast<int>(length & 255)}) +
          tcp);
  datagram[4] = datagram[5] = 0;
  EXPECT_EQ(OnlyFlow({Capture(EthernetFrame(datagram), 1)}).client(), text);
}

TEST(Integrity, Case65_HeaderChainsUnknownHeadersAndLoops) {
  const SegmentSpec spec{End("2001::1", 40000), End("2001::2", 80), 7, 0, kTcpAck, "chained"};
  const auto datagram = [&](int first, const Packet& headers) {
    return Capture(EthernetFrame(IpDatagram(spec.source.address, spec.destination.address,
                                            static_cast<uint8_t>(first), headers + TcpBytes(spec))),
                   1);
  };
  const Packet hop = Bytes({43, 0, 1, 4, 0, 0, 0, 0});
  const Packet routing = Bytes({60, 0, 0, 0, 0, 0, 0, 0});
  const Packet last = Bytes({6, 0, 1, 4, 0, 0, 0, 0});
  EXPECT_EQ(OnlyFlow({datagram(0, hop + routing + last)}).client(), "chained");
  // A header that nobody knows hides what follows: not TCP.
  EXPECT_EQ(Checked({datagram(253, hop)}).ledger.not_tcp_datagrams, 1u);
  // Headers that name each other for ever are bounded.
  Packet loop;
  for (int i = 0; i < 200; ++i) loop = loop + Bytes({60, 0, 1, 4, 0, 0, 0, 0});
  EXPECT_EQ(Checked({datagram(60, loop)}).ledger.malformed_frames, 1u);
}

}  // namespace
}  // namespace flowstitch
