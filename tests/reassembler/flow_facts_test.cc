// What is told of flows has the numbers and the names of the wire.
#include "base/flow_facts.h"

#include <gtest/gtest.h>

#include "absl/strings/ascii.h"
#include "proto/stream_batch.pb.h"

namespace flowstitch {
namespace {

template <typename Fact, typename WireFact>
void ExpectAlike(int values) {
  const auto* all = google::protobuf::GetEnumDescriptor<WireFact>();
  EXPECT_EQ(all->value_count(), values);
  for (int i = 0; i < all->value_count(); ++i) {
    const auto* value = all->value(i);
    EXPECT_EQ(NameOf(static_cast<Fact>(value->number())), absl::AsciiStrToLower(value->name()));
  }
  EXPECT_EQ(NameOf(static_cast<Fact>(200)), NameOf(Fact::kUnknown));
}

TEST(FlowFacts, AreThoseOfTheWire) {
  ExpectAlike<OpenedBy, wire::OpenedBy>(1 + static_cast<int>(OpenedBy::kGuess));
  ExpectAlike<GapReason, wire::GapReason>(1 + static_cast<int>(GapReason::kTruncated));
  ExpectAlike<CloseReason, wire::CloseReason>(1 + static_cast<int>(CloseReason::kOpenAtEnd));
  ExpectAlike<TunnelKind, wire::TunnelKind>(1 + static_cast<int>(TunnelKind::kAyiya));
}

}  // namespace
}  // namespace flowstitch
