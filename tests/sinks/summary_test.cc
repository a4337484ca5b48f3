// The closing summary's line about a capture that is mostly something that nobody reads.
#include "sinks/summary.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace flowstitch {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

std::string Summary(uint64_t all, const std::map<UnreadKind, uint64_t>& unread) {
  ReportTotals totals;
  totals.sources.push_back({"s"});
  totals.reassembly.frames_received = all;
  totals.unread = unread;
  return ShortLedger(totals, {});
}

TEST(Summary, NamesWhatMostFramesAre) {
  const UnreadKind arp{UnreadLayer::kEtherType, 0x0806};
  EXPECT_THAT(Summary(10, {{arp, 6}}),
              HasSubstr("not read: 6 of 10 frames are EtherType 0x0806 (ARP)\n"));
  EXPECT_THAT(Summary(10, {{arp, 5}}), Not(HasSubstr("not read")));
  EXPECT_THAT(Summary(0, {}), Not(HasSubstr("not read")));
  const UnreadKind dns{UnreadLayer::kUdpPort, 53};
  EXPECT_THAT(Summary(10, {{arp, 1}, {dns, 9}}),
              HasSubstr("9 of 10 frames are UDP port 53 (DNS); --udp"));
}

TEST(Summary, EveryKindHasAName) {
  const std::pair<UnreadKind, const char*> names[] = {
      {{UnreadLayer::kLinkType, 147}, "link type 147"},
      {{UnreadLayer::kEtherType, 0x4500}, "EtherType 0x4500"},
      {{UnreadLayer::kIpProtocol, 50}, "IP protocol 50 (ESP)"},
      {{UnreadLayer::kGeneveVersion, 1}, "GENEVE version 1"},
      {{UnreadLayer::kWireless, 0x08}, "802.11 beacons"},
      {{UnreadLayer::kWireless, 0x1b}, "802.11 control frames"},
      {{UnreadLayer::kEncrypted, 0}, "encrypted 802.11 frames"},
      {{UnreadLayer::kUdpPort, UINT32_MAX}, "one of many kinds of udp_port"},
  };
  for (const auto& [kind, name] : names) {
    EXPECT_THAT(Summary(1, {{kind, 1}}), HasSubstr(std::string("1 of 1 frames are ") + name + ""))
        << name;
  }
}

}  // namespace
}  // namespace flowstitch
