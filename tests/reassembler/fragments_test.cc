// IP fragments through the whole core, by the numbers of the cases.
#include <random>

#include "capture/shard_choice.h"
#include "tests/support/flow_checks.h"

namespace flowstitch {
namespace {

using namespace flowstitch::testing;

struct Part {
  size_t at;
  size_t size;
};

Packet Slice(const Packet& whole, size_t at, size_t size) {
  return {whole.begin() + static_cast<long>(at), whole.begin() + static_cast<long>(at + size)};
}

// One fragment of a datagram's payload; `extra` sets bits beside those of fragmentation.
CapturedPacket FragmentOf(const CapturedPacket& packet, Part part, uint16_t id,
                          uint16_t extra = 0) {
  const Packet datagram = Slice(packet.bytes, 14, packet.bytes.size() - 14);
  const bool ipv4 = datagram[0] >> 4 == 4;
  const size_t header = ipv4 ? 20 : 40;
  const Packet payload = Slice(datagram, header, datagram.size() - header);
  const bool more = part.at + part.size < payload.size();
  const Packet bytes = Slice(payload, part.at, std::min(part.size, payload.size() - part.at));
  const uint8_t* h = datagram.data();
  if (ipv4) {
    const auto field = static_cast<uint16_t>((more ? 0x2000 : 0) | (part.at / 8) | extra);
    return Capture(EthernetFrame(IpDatagram(IpAddress::FromIpv4(h + 12),
                                            IpAddress::FromIpv4(h + 16), 6, bytes, id, field)),
                   packet.time_ns);
  }
  const auto offset = static_cast<int>(part.at);
  const Packet fragment_header =
      Bytes({6, 0, offset >> 8, (offset & 0xf8) | (more ? 1 : 0), 0, 0, id >> 8, id & 255});
  return Capture(EthernetFrame(IpDatagram(IpAddress::FromIpv6(h + 8), IpAddress::FromIpv6(h + 24),
                                          44, fragment_header + bytes)),
                 packet.time_ns);
}

std::vector<CapturedPacket> Fragments(const CapturedPacket& packet, const std::vector<Part>& parts,
                                      uint16_t id = 77) {
  std::vector<CapturedPacket> all;
  for (const Part& part : parts) all.push_back(FragmentOf(packet, part, id));
  return all;
}

std::string Text(size_t size) {
  std::string text;
  for (size_t i = 0; i < size; ++i) text += static_cast<char>('a' + i * 7 % 26);
  return text;
}

// A handshake, then one segment of 200 bytes (a payload of 220 in its datagram).
std::vector<CapturedPacket> Base(bool ipv6 = false) {
  Talk talk = ipv6 ? Talk(End("2001::1", 40000), End("2001::2", 80)) : Fresh();
  talk.acknowledge = false;
  return talk.Handshake().Client(Text(200)).packets;
}

std::vector<CapturedPacket> With(const std::vector<Part>& parts, bool ipv6 = false) {
  auto packets = Base(ipv6);
  const CapturedPacket whole = packets.back();
  packets.pop_back();
  return Join(packets, Fragments(whole, parts));
}

TEST(Fragments, Case67_InOrderReversedRepeatedShuffled) {
  std::mt19937_64 random(67);
  const std::vector<Part> order = {{0, 48}, {48, 96}, {144, 40}, {184, 36}};
  for (const bool ipv6 : {false, true}) {
    for (int round = 0; round < 100; ++round) {
      auto parts = order;
      for (int i = 0; i < round % 4; ++i) parts.push_back(order[random() % order.size()]);
      if (round == 1) std::reverse(parts.begin(), parts.end());
      if (round > 1) std::shuffle(parts.begin(), parts.end(), random);
      EXPECT_EQ(OnlyFlow(With(parts, ipv6)).client(), Text(200)) << round;
    }
  }
}

// Overlaps with the same bytes are harmless under every policy; with others, the policy decides.
TEST(Fragments, Case68_OverlapsAndContradictions) {
  const std::vector<Part> overlapping = {{0, 64}, {32, 64}, {88, 8}, {80, 104}, {176, 44}};
  for (const bool ipv6 : {false, true}) {
    EXPECT_EQ(OnlyFlow(With(overlapping, ipv6)).client(), Text(200));
  }
  // The second fragment of two overlaps the first by 8 bytes (4 of them payload): as teardrop does.
  auto packets = Base();
  const CapturedPacket whole = packets.back();
  packets.pop_back();
  CapturedPacket forged = FragmentOf(whole, {40, 180}, 77);
  for (size_t i = 0; i < 8; ++i) forged.bytes[14 + 20 + i] = '!';
  const CapturedPacket first = FragmentOf(whole, {0, 48}, 77);
  for (const auto policy : {OverlapPolicy::kFirst, OverlapPolicy::kLast, OverlapPolicy::kBsd,
                            OverlapPolicy::kLinux, OverlapPolicy::kSolaris}) {
    ReassemblyOptions options;
    options.decoder.fragments.overlap = policy;
    std::string wanted = Text(200);
    if (policy == OverlapPolicy::kLast) wanted.replace(20, 8, "!!!!!!!!");
    const Outcome outcome = Checked(Join(packets, {first, forged}), options);
    EXPECT_EQ(outcome.events.flows[0].client(), wanted) << NameOf(policy);
    EXPECT_EQ(outcome.ledger.conflicting_fragments, 1u);
    // The other way round the forged one was first, and begins later.
    std::string reversed = Text(200);
    const bool later_wins = policy == OverlapPolicy::kLast || policy == OverlapPolicy::kBsd ||
                            policy == OverlapPolicy::kLinux;
    if (!later_wins) reversed.replace(20, 8, "!!!!!!!!");
    EXPECT_EQ(Checked(Join(packets, {forged, first}), options).events.flows[0].client(), reversed)
        << NameOf(policy);
  }
}

TEST(Fragments, Case68b_OfTwoLastFragmentsTheFirstCounts) {
  auto packets = Base();
  const CapturedPacket whole = packets.back();
  packets.pop_back();
  // Another last fragment that ends sooner: dropped, the datagram is completed all the same.
  CapturedPacket shorter = FragmentOf(whole, {184, 36}, 77);
  CutOff(&shorter.bytes, 20);
  StoreBe16(shorter.bytes.data() + 16, 36);
  const auto parts = Fragments(whole, {{184, 36}, {0, 96}, {96, 88}});
  const Outcome outcome = Checked(Join(packets, {parts[0], shorter, parts[1], parts[2]}));
  EXPECT_EQ(outcome.events.flows[0].client(), Text(200));
  EXPECT_EQ(outcome.ledger.fragments_dropped, 1u);
}

TEST(Fragments, Case69_AFirstFragmentShorterThanATcpHeaderAndAFragmentedSyn) {
  EXPECT_EQ(OnlyFlow(With({{0, 8}, {8, 8}, {16, 204}})).client(), Text(200));
  Talk talk = Fresh().With({2, 4, 5, 0xb4, 1, 1, 1, 1}).Handshake().With({}).Client("x");
  const auto syn = talk.packets[0];
  std::vector<CapturedPacket> packets = Fragments(syn, {{16, 12}, {0, 16}});
  packets.insert(packets.end(), talk.packets.begin() + 1, talk.packets.end());
  const auto flow = OnlyFlow(packets);
  EXPECT_EQ(flow.client(), "x");
  EXPECT_EQ(flow.info.opened_by, OpenedBy::kSyn);
}

TEST(Fragments, Case70_WhatReachesBeyond65535IsDropped) {
  auto packets = Base();
  const CapturedPacket whole = packets.back();
  packets.pop_back();
  CapturedPacket beyond = FragmentOf(whole, {0, 220}, 77);
  StoreBe16(beyond.bytes.data() + 14 + 6, 0x1fff);  // offset 65528
  const Outcome outcome = Checked(Join(packets, {beyond}));
  EXPECT_EQ(outcome.ledger.fragments_dropped, 1u);
  EXPECT_EQ(outcome.ledger.payload_bytes, 0u);
}

TEST(Fragments, Case71_AnIdentificationMayComeAgainSoon) {
  Talk talk = Fresh();
  talk.acknowledge = false;
  talk.Handshake().Client(Text(200)).Client(std::string(200, 'Z'));
  // Both complete.
  auto packets = talk.packets;
  packets.resize(3);
  packets = Join(packets, Fragments(talk.packets[3], {{0, 104}, {104, 116}}));
  packets = Join(packets, Fragments(talk.packets[4], {{0, 104}, {104, 116}}));
  EXPECT_EQ(OnlyFlow(packets).client(), Text(200) + std::string(200, 'Z'));
  // The first one lost a part: seconds later its bytes do not mix with the second one's.
  packets.resize(3);
  packets = Join(packets, Fragments(talk.packets[3], {{0, 104}}));
  auto second = Fragments(talk.packets[4], {{0, 104}, {104, 116}});
  for (auto& packet : second) packet.time_ns += 2 * kNsPerSecond;
  const auto flow = OnlyFlow(Join(packets, second));
  EXPECT_EQ(flow.client(), std::string(200, '\0') + std::string(200, 'Z'));
}

TEST(Fragments, Case72_AnAtomicFragmentIsAWholePacket) {
  auto packets = Base(true);
  packets.back() = FragmentOf(packets.back(), {0, 220}, 5);
  const Outcome outcome = Checked(packets);
  EXPECT_EQ(outcome.events.flows[0].client(), Text(200));
  EXPECT_EQ(outcome.ledger.fragments_absorbed, 0u);
}

TEST(Fragments, Case73_OnesThatAreNeverCompletedAreBoundedByTimeNumberAndBytes) {
  ReassemblyOptions options;
  options.decoder.fragments.datagrams = 100;
  std::vector<CapturedPacket> packets = Base();
  const CapturedPacket whole = packets.back();
  for (uint16_t id = 0; id < 1000; ++id) packets.push_back(FragmentOf(whole, {0, 104}, id));
  EXPECT_EQ(Checked(packets, options).ledger.fragments_dropped, 900u);

  Defragmenter defragmenter({.bytes = 10'000});
  ReassemblyLedger ledger;
  for (uint32_t id = 0; id < 1000; ++id) {
    IpHeader fragment;
    fragment.fragment = fragment.more_fragments = true;
    fragment.identification = id;
    const Packet bytes(800, 1);
    fragment.payload = bytes;
    defragmenter.Add(fragment, 0, id, &ledger);
    ASSERT_LE(defragmenter.bytes(), 12'000u);
  }
  const size_t before = defragmenter.datagrams();
  EXPECT_GT(before, 5u);
  IpHeader late;
  late.fragment = late.more_fragments = true;
  late.identification = 5000;
  const Packet eight(8, 1);
  late.payload = eight;
  defragmenter.Add(late, 0, 60 * kNsPerSecond, &ledger);
  EXPECT_EQ(defragmenter.datagrams(), 1u) << "the others are too old";
}

TEST(Fragments, Case74_AllFragmentsGoToOneShard) {
  for (const bool ipv6 : {false, true}) {
    auto packets = Base(ipv6);
    const CapturedPacket whole = packets.back();
    packets = Join(packets, Fragments(whole, {{0, 48}, {48, 96}, {144, 76}}));
    const size_t shard = ChooseShard(packets[0].frame(), 7);
    for (const auto& packet : packets) EXPECT_EQ(ChooseShard(packet.frame(), 7), shard);
  }
}

TEST(Fragments, Case75_DontFragmentAndReservedBitsChangeNothing) {
  auto packets = Base();
  const CapturedPacket whole = packets.back();
  packets.pop_back();
  packets.push_back(FragmentOf(whole, {0, 104}, 9, 0x4000));
  packets.push_back(FragmentOf(whole, {104, 116}, 9, 0xc000));
  EXPECT_EQ(OnlyFlow(packets).client(), Text(200));
}

// The policy's rule against a model that paints fragment by fragment, over every pair of fragments
// of a datagram of six units.
TEST(Fragments, EveryPairFollowsTheModelOfItsPolicy) {
  constexpr size_t kUnits = 6;
  const auto model_wins = [](OverlapPolicy policy, Part old_part, Part new_part) {
    const size_t old_end = old_part.at + old_part.size;
    const size_t new_end = new_part.at + new_part.size;
    switch (policy) {
      case OverlapPolicy::kFirst:
        return false;
      case OverlapPolicy::kLast:
        return true;
      case OverlapPolicy::kBsd:  // the one that begins first, the earlier of two that begin alike
        return new_part.at < old_part.at;
      case OverlapPolicy::kLinux:  // the one that begins first, the later of two that begin alike
      case OverlapPolicy::kOldLinux:
        return new_part.at <= old_part.at;
      case OverlapPolicy::kSolaris:  // the earlier, unless the later begins before and covers it
        return new_part.at < old_part.at && new_end >= old_end;
      case OverlapPolicy::kWindows:  // the earlier, unless the later reaches out on both sides
        return new_part.at < old_part.at && new_end > old_end;
    }
    return false;
  };
  for (int p = 0; p < 7; ++p) {
    const auto policy = static_cast<OverlapPolicy>(p);
    for (size_t a = 0; a < kUnits; ++a) {
      for (size_t a_end = a + 1; a_end <= kUnits; ++a_end) {
        for (size_t b = 0; b < kUnits; ++b) {
          for (size_t b_end = b + 1; b_end <= kUnits; ++b_end) {
            const Part one{a * 8, (a_end - a) * 8};
            const Part two{b * 8, (b_end - b) * 8};
            Defragmenter defragmenter({.overlap = policy});
            ReassemblyLedger ledger;
            std::vector<int> owner(kUnits * 8, -1);
            const std::vector<Part> owners = {one, two};
            // A last unit of its own keeps the datagram open until everything has come.
            std::optional<IpHeader> done;
            const auto add = [&](Part part, char fill, bool more) {
              const Packet bytes(part.size, static_cast<uint8_t>(fill));
              IpHeader f;
              f.fragment = true;
              f.more_fragments = more;
              f.fragment_offset = static_cast<uint32_t>(part.at);
              f.payload = bytes;
              done = defragmenter.Add(f, 0, 0, &ledger);
            };
            add(one, 'A', true);
            add(two, 'B', true);
            std::string model(kUnits * 8, '.');
            for (size_t i = one.at; i < one.at + one.size; ++i) {
              model[i] = 'A';
              owner[i] = 0;
            }
            for (size_t i = two.at; i < two.at + two.size; ++i) {
              if (owner[i] == 0 && !model_wins(policy, one, two)) continue;
              model[i] = 'B';
            }
            // Fill the rest unit by unit, which overlaps nothing.
            for (size_t u = 0; u < kUnits; ++u) {
              if (model[u * 8] != '.') continue;
              add({u * 8, 8}, '-', true);
              model.replace(u * 8, 8, "--------");
            }
            add({kUnits * 8, 8}, '-', false);
            ASSERT_TRUE(done);
            ASSERT_EQ(AsText(done->payload), model + "--------")
                << NameOf(policy) << " " << a << "-" << a_end << " " << b << "-" << b_end;
          }
        }
      }
    }
  }
}

}  // namespace
}  // namespace flowstitch
