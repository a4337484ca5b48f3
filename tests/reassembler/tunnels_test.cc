// Tunnels: what each carries comes out, to a depth, and apart where it is another connection.
#include "base/frames/tunnels.h"
#include <array>

#include "tests/support/flow_checks.h"
#include "tests/support/tunnel_frames.h"

namespace flowstitch {
namespace {

using namespace flowstitch::testing;

TEST(Tunnels, WhatTheyCarryComesOut) {
  using Wrap = Packet (*)(const Packet&);
  const struct {
    const char* name;
    TunnelKind kind;
    uint32_t id;
    Wrap wrap;
  } cases[] = {
      {"ip in ip", TunnelKind::kIpInIp, 0, [](const Packet& d) { return In4(4, d); }},
      {"4in6", TunnelKind::kIpInIp, 0, [](const Packet& d) { return In6(4, d); }},
      {"gre", TunnelKind::kGre, 0,
       [](const Packet& d) {
         return In4(47, Bytes({0, 0, 8, 0}) + d);
       }},
      {"gre with checksum, key, sequence", TunnelKind::kGre, 7,
       [](const Packet& d) {
         return In4(47, Bytes({0xb0, 0, 8, 0, 1, 2, 0, 0, 0, 0, 0, 7, 0, 0, 0, 9}) + d);
       }},
      {"gre with source route", TunnelKind::kGre, 0,
       [](const Packet& d) {
         return In4(47, Bytes({0x40, 0, 8, 0, 0, 0, 0, 0, 8, 0, 0, 4, 1, 2, 3, 4, 0, 0, 0, 0}) + d);
       }},
      {"gre over ipv6", TunnelKind::kGre, 0,
       [](const Packet& d) {
         return In6(47, Bytes({0, 0, 8, 0}) + d);
       }},
      {"nvgre", TunnelKind::kGre, 0x1234500,
       [](const Packet& d) {
         return In4(47, Bytes({0x20, 0, 0x65, 0x58, 1, 0x23, 0x45, 0}) + EthernetFrame(d));
       }},
      {"pptp", TunnelKind::kGre, 5,
       [](const Packet& d) {
         return In4(47, Bytes({0x30, 0x81, 0x88, 0x0b, 0, Length(d) + 4, 0, 5, 0,   0, 0,
                               1,    0,    0,    0,    1, 0xff,          3, 0, 0x21}) +
                            d);
       }},
      {"erspan i", TunnelKind::kErspan, 0,
       [](const Packet& d) {
         return In4(47, Bytes({0, 0, 0x88, 0xbe}) + EthernetFrame(d));
       }},
      {"erspan ii", TunnelKind::kErspan, 0,
       [](const Packet& d) {
         return In4(47, Bytes({0x10, 0, 0x88, 0xbe, 0, 0, 0, 1}) + Packet(8, 0x10) +
                            EthernetFrame(d, {77}));
       }},
      {"erspan iii", TunnelKind::kErspan, 0,
       [](const Packet& d) {
         return In4(47,
                    Bytes({0x10, 0, 0x22, 0xeb, 0, 0, 0, 1}) + Packet(12, 0x20) + EthernetFrame(d));
       }},
      {"erspan iii with subheader", TunnelKind::kErspan, 0,
       [](const Packet& d) {
         return In4(47, Bytes({0x10, 0, 0x22, 0xeb, 0, 0, 0, 1}) + Packet(11, 0x20) + Bytes({1}) +
                            Packet(8, 9) + EthernetFrame(d));
       }},
      {"wccp 2", TunnelKind::kGre, 0,
       [](const Packet& d) {
         return In4(47, Bytes({0, 0, 0x88, 0x3e, 1, 2, 3, 4}) + d);
       }},
      {"etherip", TunnelKind::kEtherIp, 0,
       [](const Packet& d) {
         return In4(97, Bytes({0x30, 0}) + EthernetFrame(d));
       }},
      {"mpls in ip", TunnelKind::kMplsInIp, 0,
       [](const Packet& d) {
         return In4(137, Bytes({0, 1, 1, 64}) + d);
       }},
      {"mpls in udp", TunnelKind::kMplsInIp, 0,
       [](const Packet& d) {
         return In4(17, Udp(6635, Bytes({0, 1, 1, 64}) + d));
       }},
      {"vxlan", TunnelKind::kVxlan, 0x010203,
       [](const Packet& d) {
         return In4(17, Udp(4789, Bytes({8, 0, 0, 0, 1, 2, 3, 0}) + EthernetFrame(d)));
       }},
      {"vxlan gpe", TunnelKind::kVxlan, 1,
       [](const Packet& d) {
         return In4(17, Udp(4790, Bytes({0x0c, 0, 0, 1, 0, 0, 1, 0}) + d));
       }},
      {"geneve with options", TunnelKind::kGeneve, 9,
       [](const Packet& d) {
         return In6(
             17, Udp(6081, Bytes({1, 0, 0x65, 0x58, 0, 0, 9, 0, 1, 1, 1, 0}) + EthernetFrame(d)));
       }},
      {"geneve, ip", TunnelKind::kGeneve, 9,
       [](const Packet& d) {
         return In4(17, Udp(6081, Bytes({0, 0, 8, 0, 0, 0, 9, 0}) + d));
       }},
      {"gtp", TunnelKind::kGtpU, 0x55,
       [](const Packet& d) {
         return In4(17, Udp(2152, Bytes({0x30, 255, 0, Length(d), 0, 0, 0, 0x55}) + d));
       }},
      {"gtp with extensions", TunnelKind::kGtpU, 0x55,
       [](const Packet& d) {
         return In4(17, Udp(2152, Bytes({0x34, 255, 0, Length(d) + 16, 0, 0, 0, 0x55, 0, 0, 0, 0x85,
                                         1,    0,   0, 0x20,           2, 0, 0, 0,    0, 0, 0, 0}) +
                                      d));
       }},
      {"l2tp 2", TunnelKind::kL2tp, 0x10002,
       [](const Packet& d) {
         return In4(
             17,
             Udp(1701,
                 Bytes({0x48, 2, 0, Length(d) + 16, 0, 1, 0, 2, 0, 0, 0, 0, 0xff, 3, 0, 0x21}) + d,
                 1701));
       }},
      {"vxlan with reserved bits", TunnelKind::kVxlan, 0x010203,
       [](const Packet& d) {
         return In4(17, Udp(4789, Bytes({0xff, 0xff, 1, 2, 1, 2, 3, 9}) + EthernetFrame(d)));
       }},
      {"vxlan gpe, nsh", TunnelKind::kVxlan, 1,
       [](const Packet& d) {
         return In4(17, Udp(4790, Bytes({0x0c, 0, 0, 4, 0, 0, 1, 0, 0, 2, 1, 3, 0, 0, 1, 255}) +
                                      EthernetFrame(d)));
       }},
      {"gre, aruba", TunnelKind::kGre, 0,
       [](const Packet& d) {
         return In4(47, Bytes({0, 0, 0x82, 0x10}) + Wireless(0x08, 0x01) + d);
       }},
      {"gre, eoip", TunnelKind::kGre, 3,
       [](const Packet& d) {
         const Packet frame = EthernetFrame(d);
         return In4(47, Bytes({0x20, 1, 0x64, 0, 0, Length(frame), 3, 0}) + frame);
       }},
      {"capwap, 802.11", TunnelKind::kCapwap, 0,
       [](const Packet& d) {
         return In4(17, Udp(5247, Bytes({0, 0x10, 3, 0, 0, 0, 0, 0}) + Wireless(0x08, 0x01) + d));
       }},
      {"capwap, 802.11 as cisco", TunnelKind::kCapwap, 0,
       [](const Packet& d) {
         return In4(17, Udp(5247, Bytes({0, 0x18, 3, 0x20, 0, 0, 0, 0, 3, 1, 2, 3}) +
                                      Wireless(0x01, 0x08) + d));
       }},
      {"capwap, 802.3", TunnelKind::kCapwap, 0,
       [](const Packet& d) {
         return In4(17, Udp(5247, Bytes({0, 0x10, 2, 0, 0, 0, 0, 0}) + EthernetFrame(d)));
       }},
      {"lisp", TunnelKind::kLisp, 7,
       [](const Packet& d) {
         return In4(17, Udp(4341, Bytes({0x88, 1, 2, 3, 0, 0, 7, 1}) + d));
       }},
      {"tzsp", TunnelKind::kTzsp, 0,
       [](const Packet& d) {
         return In4(17, Udp(37008, Bytes({1, 0, 0, 1, 0, 10, 1, 5, 1}) + EthernetFrame(d)));
       }},
      {"tzsp, 802.11", TunnelKind::kTzsp, 0,
       [](const Packet& d) {
         return In4(17, Udp(37008, Bytes({1, 0, 0, 18, 1}) + Wireless(0x08, 0x01) + d));
       }},
      {"ayiya", TunnelKind::kAyiya, 0,
       [](const Packet& d) {
         return In4(17, Udp(5072, Bytes({0x41, 0x52, 0x11, 4, 0, 0, 0, 1}) + Packet(36, 7) + d));
       }},
      {"l2tp 3 over ip, cookie", TunnelKind::kL2tp, 6,
       [](const Packet& d) {
         return In4(115, Bytes({0, 0, 0, 6, 9, 9, 9, 9}) + EthernetFrame(d));
       }},
  };
  const auto talk = Fresh().Handshake().Client("question").Server("answer").Close().packets;
  for (const auto& c : cases) {
    SCOPED_TRACE(c.name);
    const auto flow = OnlyFlow(Through(talk, c.wrap));
    EXPECT_EQ(flow.client(), "question");
    EXPECT_EQ(flow.server(), "answer");
    EXPECT_EQ(flow.info.client, kA);
    ASSERT_EQ(flow.info.tunnels.depth, 1u);
    EXPECT_EQ(flow.info.tunnels.tunnels[0].kind, c.kind);
    EXPECT_EQ(flow.info.tunnels.tunnels[0].id, c.id);
    EXPECT_EQ(FormatIpAddress(flow.info.tunnels.tunnels[0].source).substr(0, 3),
              c.wrap(Packet(20, 0x45))[0] >> 4 == 4 ? "192" : "200");
    // Cut anywhere, the frames are still counted, and nothing is read beyond.
    for (size_t cut = 0; cut < 90; ++cut) {
      auto less = Through(talk, c.wrap);
      for (auto& packet : less) packet.bytes.resize(std::min(packet.bytes.size(), cut));
      Checked(less);
    }
  }
}

TEST(Tunnels, AnUnknownVersionOfGeneveIsCountedByName) {
  EventRecorder events;
  Reassembler reassembler({}, &events);
  const Packet geneve = Udp(6081, Bytes({0x40, 0, 8, 0, 0, 0, 9, 0}) + Packet(40, 1));
  for (int i = 0; i < 3; ++i) {
    reassembler.OnFrame(Capture(EthernetFrame(In4(17, geneve)), i).frame());
  }
  EXPECT_THAT(reassembler.unread(),
              ::testing::ElementsAre(std::pair(UnreadKind{UnreadLayer::kGeneveVersion, 1}, 3u)));
}

TEST(Tunnels, Ipv6InIpv4AndTeredo) {
  const Talk talk = Talk(End("2001::7", 40000), End("2001::8", 80)).Handshake().Client("six");
  for (const bool teredo : {false, true}) {
    const auto flow = OnlyFlow(Through(talk.packets, [teredo](const Packet& d) {
      if (!teredo) return In4(41, d);
      const Packet authentication = Bytes({0, 1, 2, 3, 'i', 'd', 'a', 'b', 'c'}) + Packet(9, 0);
      return In4(17, Udp(3544, authentication + Bytes({0, 0, 1, 2, 3, 4, 5, 6}) + d));
    }));
    EXPECT_EQ(flow.client(), "six");
    EXPECT_EQ(flow.info.tunnels.tunnels[0].kind,
              teredo ? TunnelKind::kTeredo : TunnelKind::kIpInIp);
  }
  EXPECT_EQ(OnlyFlow(Through(talk.packets, [](const Packet& d) { return In6(41, d); })).client(),
            "six");
}

TEST(Tunnels, APortNumberAloneIsNoTunnel) {
  for (const uint16_t port : std::to_array<uint16_t>({1701, 2152, 3544, 4789, 4790, 6081, 8472})) {
    const Outcome outcome =
        Checked({Capture(EthernetFrame(In4(17, Udp(port, Packet(60, 0x2a)))), 1),
                 Capture(EthernetFrame(In4(17, Udp(port, Packet(3, 0)))), 2)});
    EXPECT_EQ(outcome.ledger.not_tcp_datagrams, 2u) << port;
  }
}

TEST(Tunnels, Case66_NestingIsLimited) {
  const auto talk = Fresh().Handshake().Client("deep").packets;
  for (size_t depth = 1; depth <= kMaxTunnelDepth + 2; ++depth) {
    const auto packets = Through(talk, [depth](Packet d) {
      for (size_t i = 0; i < depth; ++i) d = In4(4, d);
      return d;
    });
    const Outcome outcome = Checked(packets);
    if (depth <= kMaxTunnelDepth) {
      ASSERT_EQ(outcome.events.flows.size(), 1u) << depth;
      EXPECT_EQ(outcome.events.flows[0].client(), "deep");
      EXPECT_EQ(outcome.events.flows[0].info.tunnels.depth, depth);
    } else {
      EXPECT_EQ(outcome.ledger.too_deep_datagrams, packets.size());
      EXPECT_TRUE(outcome.events.flows.empty());
    }
  }
}

std::vector<CapturedPacket> InVxlan(const Talk& talk, int network) {
  return Through(talk.packets, [network](const Packet& d) {
    return In4(17, Udp(4789, Bytes({8, 0, 0, 0, 0, 0, network, 0}) + EthernetFrame(d)));
  });
}

std::vector<CapturedPacket> Interleave(const std::vector<CapturedPacket>& a,
                                       const std::vector<CapturedPacket>& b) {
  std::vector<CapturedPacket> all;
  for (size_t i = 0; i < std::max(a.size(), b.size()); ++i) {
    if (i < a.size()) all.push_back(a[i]);
    if (i < b.size()) all.push_back(b[i]);
  }
  return all;
}

// Two connections with the same addresses and ports in two tunnels are two flows; one connection
// seen in two tunnels is one.
TEST(Tunnels, Case66b_TheSameAddressesInTwoTunnelsAreApart) {
  const Talk one = Fresh(1000, 5000).Handshake().Client("first").Server("FIRST").Close();
  const Talk two =
      Fresh(900'000'000, 3'000'000'000).Handshake().Client("second").Server("SECOND").Close();
  ReassemblyOptions by_tunnel;
  by_tunnel.decoder.key_parts.tunnel = true;
  const auto both = Interleave(InVxlan(one, 1), InVxlan(two, 2));
  for (const ReassemblyOptions& options : {ReassemblyOptions(), by_tunnel}) {
    const Outcome outcome = Checked(both, options);
    ASSERT_EQ(outcome.events.flows.size(), 2u);
    std::vector<std::string> texts;
    for (const auto& flow : outcome.events.flows) texts.push_back(flow.client() + flow.server());
    EXPECT_THAT(texts, ::testing::UnorderedElementsAre("firstFIRST", "secondSECOND"));
  }
  const auto twice = Interleave(InVxlan(one, 1), InVxlan(one, 2));
  EXPECT_EQ(OnlyFlow(twice).client(), "first");
  EXPECT_EQ(Checked(twice, by_tunnel).events.flows.size(), 2u) << "--flow-key tunnel";
}

TEST(Tunnels, FragmentsInsideAndOutsideATunnelAreRebuilt) {
  const std::string text(3000, 't');
  const auto talk = Fresh().Handshake().Client(text, 3000).packets;
  std::vector<CapturedPacket> packets;
  for (const CapturedPacket& packet : talk) {
    const Packet datagram(packet.bytes.begin() + 14, packet.bytes.end());
    const Packet outer_payload = Bytes({0, 0, 8, 0}) + datagram;
    for (size_t at = 0; at < outer_payload.size(); at += 1000) {
      const size_t size = std::min<size_t>(1000, outer_payload.size() - at);
      const bool more = at + size < outer_payload.size();
      const Packet part(outer_payload.begin() + static_cast<long>(at),
                        outer_payload.begin() + static_cast<long>(at + size));
      const auto field = static_cast<uint16_t>((more ? 0x2000 : 0) | (at / 8));
      packets.push_back(
          Capture(EthernetFrame(IpDatagram(kEnd1, kEnd2, 47, part,
                                           static_cast<uint16_t>(packets.size() / 8), field)),
                  packet.time_ns));
    }
  }
  for (size_t i = 0; i < packets.size(); ++i) StoreBe16(packets[i].bytes.data() + 14 + 4, 0);
  EXPECT_EQ(OnlyFlow(packets).client(), text);
}

}  // namespace
}  // namespace flowstitch
