// The parts of a stream, each alone: what its receiver says, and how long a hole stays.
#include <gtest/gtest.h>

#include "reassembler/flows/hole_clock.h"
#include "reassembler/flows/peer_view.h"

namespace flowstitch {
namespace {

constexpr Position kAt = kFirstPosition;

TEST(PeerView, WhatNobodyHasSeenIsBelievedWhenItIsSaidTwice) {
  PeerView peer;
  peer.OnAcknowledged(kAt + 10, /*highest=*/kAt + 20);
  EXPECT_EQ(peer.acknowledged(), kAt + 10);
  peer.OnAcknowledged(kAt + 100, kAt + 20);
  EXPECT_EQ(peer.acknowledged(), kAt + 10) << "said once";
  EXPECT_TRUE(peer.Has(kAt + 20, kAt + 100)) << "though it may end the wait for a hole";
  peer.OnAcknowledged(kAt + 100, kAt + 20);
  EXPECT_EQ(peer.acknowledged(), kAt + 100);
  EXPECT_EQ(peer.Reach(kAt + 20), kAt + 100);
}

TEST(PeerView, TheLowerOfTwoDoubtfulOnesIsBelievedWithTheHigher) {
  PeerView peer;
  peer.OnAcknowledged(kAt + 100, kAt);
  peer.OnAcknowledged(kAt + 50, kAt);
  EXPECT_EQ(peer.acknowledged(), 0u);
  peer.OnAcknowledged(kAt + 70, kAt);
  EXPECT_EQ(peer.acknowledged(), kAt + 50) << "70 says that 50 is there";
}

TEST(PeerView, ADoubtfulOneIsBelievedWhenItsBytesCome) {
  PeerView peer;
  peer.OnAcknowledged(kAt + 100, kAt);
  peer.OnSeen(kAt + 99);
  EXPECT_EQ(peer.acknowledged(), 0u);
  peer.OnSeen(kAt + 100);
  EXPECT_EQ(peer.acknowledged(), kAt + 100);
}

TEST(PeerView, WindowsAndBlocks) {
  PeerView peer;
  EXPECT_FALSE(peer.knows_window());
  EXPECT_FALSE(peer.window_closed());
  peer.OnAcknowledged(kAt + 10, kAt + 10);
  peer.SetWindow(30);
  EXPECT_EQ(peer.WindowEnd(kAt + 10), kAt + 40);
  EXPECT_EQ(peer.WindowEnd(kAt + 50), kAt + 50) << "what was sent, was sent";
  peer.SetWindow(0);
  EXPECT_TRUE(peer.window_closed());
  peer.OnSack(kAt + 90, /*hole=*/kAt + 20);
  peer.OnSack(kAt + 80, 0);
  EXPECT_EQ(peer.sacked_end(), kAt + 90);
  EXPECT_TRUE(peer.Has(kAt + 20, kAt + 1000));
  EXPECT_FALSE(peer.Has(kAt + 21, kAt + 1000)) << "another hole";
}

TEST(HoleClock, EachHoleHasItsOwnTime) {
  TcpLimits limits;
  limits.unacknowledged_grace_ns = 100;
  limits.acknowledged_grace_ns = 10;
  limits.acknowledged_grace_bytes = 1000;
  HoleClock hole;
  hole.LookAt(kAt, nullptr, 5);
  EXPECT_EQ(hole.Deadline(limits, false, 0, 5), 105);
  hole.LookAt(kAt, nullptr, 50);
  EXPECT_EQ(hole.Deadline(limits, false, 0, 50), 105) << "the same hole";
  EXPECT_EQ(hole.Deadline(limits, true, 0, 50), 60);
  EXPECT_EQ(hole.Deadline(limits, true, 0, 55), 60) << "since it was acknowledged";
  EXPECT_EQ(hole.Deadline(limits, true, 1000, 55), 55) << "enough waits";
  hole.LookAt(kAt + 1, nullptr, 70);
  EXPECT_EQ(hole.Deadline(limits, true, 0, 70), 80);
  const TimeNs cut_ns = 20;
  hole.LookAt(kAt + 2, &cut_ns, 90);
  EXPECT_EQ(hole.Deadline(limits, true, 0, 90), 30) << "it waits from when it was seen";
}

}  // namespace
}  // namespace flowstitch
