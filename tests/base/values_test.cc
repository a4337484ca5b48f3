// Times, addresses, keys and the ledger's equations.
#include <gtest/gtest.h>

#include <array>
#include <random>

#include "absl/strings/str_format.h"
#include "base/capture_time.h"
#include "base/flow_key.h"
#include "base/ledger.h"
#include "tests/support/packet_builder.h"

namespace flowstitch {
namespace {

using testing::Address;
using testing::End;

TEST(CaptureTime, PrintsFractionsOnlyWhereThereAreSome) {
  EXPECT_EQ(IsoTime(1'223'309'694 * kNsPerSecond).view(), "2008-10-06T16:14:54Z");
  EXPECT_EQ(IsoTime(1'223'309'694 * kNsPerSecond + 621'853'000).view(),
            "2008-10-06T16:14:54.621853Z");
  EXPECT_EQ(IsoTime(1'223'309'694 * kNsPerSecond + 7).view(), "2008-10-06T16:14:54.000000007Z");
  EXPECT_EQ(IsoTime(0).view(), "1970-01-01T00:00:00Z");
  EXPECT_EQ(IsoTime(-1).view(), "1969-12-31T23:59:59.999999999Z");
  EXPECT_EQ(FormatIsoSeconds(int64_t{4'294'967'296} * kNsPerSecond), "2106-02-07T06:28:16Z");
}

TEST(IpAddress, PrintsEveryByteWithAndWithoutZeros) {
  for (uint32_t first = 0; first < 256; ++first) {
    const std::array<uint8_t, 4> bytes = {static_cast<uint8_t>(first), 0, 9,
                                          static_cast<uint8_t>(255 - first)};
    const IpAddress address = IpAddress::FromIpv4(bytes.data());
    EXPECT_EQ(FormatIpAddress(address), absl::StrFormat("%d.0.9.%d", first, 255 - first));
    EXPECT_EQ(FormatDotted(address, 2), absl::StrFormat("%02d.00.09.%02d", first, 255 - first));
    EXPECT_EQ(FormatDotted(address, 3), absl::StrFormat("%03d.000.009.%03d", first, 255 - first));
  }
}

TEST(CaptureTime, ClampsWhatDoesNotFit) {
  EXPECT_EQ(MakeTimeNs(INT64_MAX, 0), kTimeMax);
  EXPECT_EQ(MakeTimeNs(INT64_MIN, 0), kTimeMin);
  EXPECT_EQ(AddNs(kTimeMax, 1), kTimeMax);
  EXPECT_EQ(AddNs(kTimeMin, -1), kTimeMin);
  EXPECT_EQ(MakeTimeNs(1, 1'500'000'000), 2'500'000'000);  // microseconds over a million
}

TEST(IpAddress, PrintsBothFamilies) {
  EXPECT_EQ(FormatIpAddress(Address("192.0.2.1")), "192.0.2.1");
  EXPECT_EQ(FormatIpAddress(Address("2001:DB8:0:0::1")), "2001:db8::1");
}

TEST(FlowKey, IsTheSameForBothDirections) {
  std::mt19937_64 random(7);
  for (int i = 0; i < 1000; ++i) {
    Endpoint a = End("10.0.0.1", static_cast<uint16_t>(random()));
    Endpoint b = End(i % 2 == 0 ? "10.0.0.2" : "10.0.0.1", static_cast<uint16_t>(random()));
    if (a == b) continue;
    const KeyedDirection there = MakeFlowKey(a, b);
    const KeyedDirection back = MakeFlowKey(b, a);
    EXPECT_EQ(there.key, back.key);
    EXPECT_NE(there.from_high, back.from_high);
    EXPECT_EQ(SymmetricHash(there.key), SymmetricHash(back.key));
    EXPECT_EQ(SymmetricAddressHash(a.address, b.address),
              SymmetricAddressHash(b.address, a.address));
  }
}

TEST(FlowKey, HashSpreadsNeighbouringAddresses) {
  int shards[8] = {};
  for (int i = 0; i < 8000; ++i) {
    const uint8_t bytes[4] = {10, 0, static_cast<uint8_t>(i / 256), static_cast<uint8_t>(i)};
    ++shards[SymmetricAddressHash(IpAddress::FromIpv4(bytes), Address("192.0.2.1")) % 8];
  }
  for (const int count : shards) EXPECT_NEAR(count, 1000, 150);
}

TEST(Ledger, NamesTheEquationThatDoesNotHold) {
  ReassemblyLedger ledger;
  EXPECT_TRUE(FindImbalance(ledger).empty());
  ledger.frames_received = 3;
  ledger.segments = 2;
  ledger.not_ip_frames = 1;
  ledger.payload_bytes = ledger.delivered_bytes = ledger.stream_bytes = 10;
  EXPECT_TRUE(FindImbalance(ledger).empty());
  ledger.gap_bytes = 5;
  const auto lines = FindImbalance(ledger);
  ASSERT_EQ(lines.size(), 1u);
  EXPECT_EQ(lines[0], "stream_bytes is 10, but delivered + gaps is 15");
  SourceLedger source;
  source.frames_read = 5;
  source.frames_sent = 3;
  source.kernel_dropped = 1;
  EXPECT_EQ(FindImbalance(source).size(), 1u);
  source.buffer_dropped = 1;
  EXPECT_TRUE(FindImbalance(source).empty());
}

}  // namespace
}  // namespace flowstitch
