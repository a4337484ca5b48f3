// What tests of flows ask again and again: a conversation between the same two hosts, and what came
// of it.
#ifndef FLOWSTITCH_TESTS_SUPPORT_FLOW_CHECKS_H_
#define FLOWSTITCH_TESTS_SUPPORT_FLOW_CHECKS_H_

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/conversation.h"
#include "tests/support/event_recorder.h"

namespace flowstitch::testing {

inline const Endpoint kA = End("10.0.0.1", 40000);
inline const Endpoint kB = End("10.0.0.2", 80);

inline Talk Fresh(uint32_t client_isn = 1000, uint32_t server_isn = 5000) {
  return Talk(kA, kB, client_isn, server_isn);
}

inline std::vector<CapturedPacket> Join(std::vector<CapturedPacket> a,
                                        const std::vector<CapturedPacket>& b) {
  a.insert(a.end(), b.begin(), b.end());
  return a;
}
inline std::vector<CapturedPacket> Join(const Talk& a, const Talk& b) {
  return Join(a.packets, b.packets);
}

inline void ExpectBalanced(const Outcome& outcome) {
  EXPECT_THAT(FindImbalance(outcome.ledger), ::testing::IsEmpty());
  for (const RecordedFlow& flow : outcome.events.flows) {
    for (const RecordedStream& stream : flow.streams) EXPECT_TRUE(stream.in_order);
    EXPECT_TRUE(flow.close_reason.has_value());
  }
  EXPECT_EQ(outcome.ledger.waiting_bytes, 0u);
}

// Runs the packets and checks the books.
template <typename Options = TcpLimits>
Outcome Checked(const std::vector<CapturedPacket>& packets, const Options& options = {}) {
  Outcome outcome = Reassemble(packets, options);
  ExpectBalanced(outcome);
  return outcome;
}

// The same where one flow must come of it.
template <typename Options = TcpLimits>
RecordedFlow OnlyFlow(const std::vector<CapturedPacket>& packets, const Options& options = {}) {
  const Outcome outcome = Checked(packets, options);
  EXPECT_EQ(outcome.events.flows.size(), 1u);
  return outcome.events.flows.empty() ? RecordedFlow() : outcome.events.flows[0];
}

}  // namespace flowstitch::testing

#endif  // FLOWSTITCH_TESTS_SUPPORT_FLOW_CHECKS_H_
