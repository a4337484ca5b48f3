// What writers tell of flows: each consumer hears it once, and it is in the flow's record.
#include "sinks/records/record_hub.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "tests/support/sink_flows.h"

namespace flowstitch {
namespace {

using ::testing::ElementsAre;
using ::testing::SizeIs;
using namespace flowstitch::testing;

using Lines = std::vector<std::string>;

class Consumer : public RecordConsumer {
 public:
  explicit Consumer(Lines* lines) : lines_(lines) {}
  void OnGap(const FlowRecord& flow, Direction direction, const GapRecord& gap) override {
    lines_->push_back(absl::StrCat("gap ", flow.flow->number, " ", direction, " ", gap.offset));
  }
  void OnConflict(const FlowRecord& flow, Direction /*direction*/,
                  const ConflictRecord& conflict) override {
    lines_->push_back(absl::StrCat("conflict ", flow.conflicts, " ", conflict.kept));
  }
  void OnBody(const FlowRecord& flow, Direction direction, const BodyRecord& body) override {
    lines_->push_back(absl::StrCat("body ", body.path, " ", flow.streams[direction].bodies.size()));
  }
  void OnClosed(FlowRecord& flow) override {
    const FlowRecord::Stream& stream = flow.streams[kServerToClient];
    lines_->push_back(absl::StrCat("closed ", flow.flow->close_order, " bodies ",
                                   stream.bodies.size(), " gaps ", stream.gaps.size(), " ranges ",
                                   flow.ranges.size()));
    if (flow.tls != nullptr) tls = *flow.tls;
  }
  void OnMissing(uint64_t close_order) override {
    lines_->push_back(absl::StrCat("missing ", close_order));
  }
  TlsFacts tls;

 private:
  Lines* const lines_;
};

class Output : public RecordOutput {
 public:
  explicit Output(bool transactions) : transactions_(transactions) {}
  bool wants_transactions() const override { return transactions_; }
  std::unique_ptr<RecordConsumer> MakeConsumer(SinkLedger* /*ledger*/) override {
    auto made = std::make_unique<Consumer>(&lines);
    consumer = made.get();
    return made;
  }
  Lines lines;
  Consumer* consumer = nullptr;

 private:
  const bool transactions_;
};

class Records : public ::testing::Test {
 protected:
  Records() {
    for (const bool transactions : {false, true}) {
      auto output = std::make_unique<Output>(transactions);
      ends_.push_back(output.get());
      outputs_.push_back(std::move(output));
    }
    hub_ = RecordHub(3, &outputs_, &ledger_);
  }

  SinkLedger ledger_;
  RecordOutputs outputs_;
  std::vector<Output*> ends_;
  RecordHub hub_;
};

TEST_F(Records, EachConsumerHearsEverythingOnceAndInOrder) {
  EXPECT_TRUE(hub_.wants_transactions()) << "one of them does";
  EXPECT_FALSE(hub_.wants_flows());
  const auto flow = MakeSinkFlow(5);
  hub_.Gap(*flow, kServerToClient, {10, 2, GapReason::kTruncated});
  hub_.Conflict(*flow, kClientToServer, {4, 1, "a", "b"});
  hub_.Conflict(*flow, kClientToServer, {9, 1, "c", "d"});
  BodyRecord body;
  body.path = "b";
  hub_.Body(*flow, kServerToClient, body);
  hub_.Range(*flow, {});
  hub_.Missing(0);
  flow->close_order = 1;
  hub_.Closed(*flow);
  for (const Output* end : ends_) {
    EXPECT_THAT(end->lines, ElementsAre("gap 5 1 10", "conflict 1 a", "conflict 2 c", "body b 0",
                                        "missing 0", "closed 1 bodies 1 gaps 1 ranges 1"));
  }
}

TEST_F(Records, OnlySoManyAreListedAndAllAreTold) {
  const auto flow = MakeSinkFlow(0);
  for (size_t i = 0; i < kMaxListed + 10; ++i) {
    hub_.Gap(*flow, kServerToClient, {i, 1, GapReason::kTruncated});
    hub_.Range(*flow, {});
  }
  hub_.Closed(*flow);
  EXPECT_THAT(ends_[0]->lines, SizeIs(kMaxListed + 11));
  EXPECT_EQ(ends_[0]->lines.back(),
            absl::StrCat("closed 0 bodies 0 gaps ", kMaxListed, " ranges ", kMaxListed));
}

// One writer reads what is in the clear, another also what it decrypts.
TEST_F(Records, WhatSeveralReadOfAHandshakeIsOneRecord) {
  const auto flow = MakeSinkFlow(0);
  TlsFacts clear;
  clear.client_hello = clear.server_hello = true;
  clear.server_name = "example.org";
  clear.version = 0x0304;
  TlsFacts decrypted = clear;
  decrypted.alpn = "h2";
  decrypted.certificates.push_back({.subject = "CN=example.org"});
  TlsFacts half;  // it began to read later
  half.server_hello = true;
  half.version = 0x0304;
  hub_.Tls(*flow, clear);
  hub_.Tls(*flow, decrypted);
  hub_.Tls(*flow, half);
  hub_.Tls(*flow, {});
  hub_.Closed(*flow);
  const TlsFacts& tls = ends_[1]->consumer->tls;
  EXPECT_TRUE(tls.client_hello && tls.server_hello);
  EXPECT_EQ(tls.server_name, "example.org");
  EXPECT_EQ(tls.alpn, "h2");
  ASSERT_THAT(tls.certificates, SizeIs(1));
  EXPECT_EQ(tls.certificates[0].subject, "CN=example.org");
}

TEST(RecordHub, WithoutConsumersNothingIsKept) {
  RecordHub hub;
  const auto flow = MakeSinkFlow(0);
  hub.Gap(*flow, kServerToClient, {});
  hub.Body(*flow, kServerToClient, {});
  hub.StreamFile(*flow, kServerToClient, {});
  hub.Closed(*flow);
  EXPECT_EQ(flow->states[0], nullptr);
}

}  // namespace
}  // namespace flowstitch
