// The shares of --memory.
#include "base/memory/memory_plan.h"

#include <gtest/gtest.h>

namespace flowstitch {
namespace {

// What all limits cost together is the sum, whoever holds the flows.
TEST(MemoryPlan, TheSharesAreNotMoreThanTheSum) {
  for (const uint64_t total : {kLeastMemory, uint64_t{1} << 30, uint64_t{1} << 40}) {
    for (const bool with_sink : {false, true}) {
      const MemoryPlan plan = PlanMemory(total, with_sink);
      const uint64_t flow = kOpenFlowBytes + (with_sink ? kSinkFlowBytes : 0);
      const uint64_t sum = (plan.open_flows + plan.udp_flows) * flow +
                           plan.half_open_flows * kHalfOpenFlowBytes +
                           plan.tombstones * kTombstoneBytes + plan.waiting_bytes +
                           plan.parser_bytes + plan.decoder_bytes + plan.piece_bytes;
      EXPECT_LE(sum, total);
      EXPECT_GE(sum, total / 10 * 9) << "and little is left over";
      EXPECT_GT(plan.open_flows, 1000u);
    }
  }
}

TEST(MemoryPlan, WhatIsNotSaidIsAPartOfTheMachine) {
  EXPECT_GE(DefaultMemory(), kLeastMemory);
  EXPECT_LT(DefaultMemory(), uint64_t{1} << 50);
}

}  // namespace
}  // namespace flowstitch
