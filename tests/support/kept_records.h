// What writers tell of flows, for tests of writers.
#ifndef FLOWSTITCH_TESTS_SUPPORT_KEPT_RECORDS_H_
#define FLOWSTITCH_TESTS_SUPPORT_KEPT_RECORDS_H_

#include <memory>
#include <utility>
#include <vector>

#include "sinks/records/record_hub.h"

namespace flowstitch::testing {

class KeptRecords {
 public:
  // `slot`: as RecordHub's; not one that a writer of the test has.
  explicit KeptRecords(size_t slot = 7) {
    outputs_.push_back(std::make_unique<Output>(this));
    hub_ = RecordHub(slot, &outputs_, &ledger_);
  }
  KeptRecords(const KeptRecords&) = delete;
  KeptRecords& operator=(const KeptRecords&) = delete;

  RecordHub* hub() { return &hub_; }
  const std::vector<HttpTransaction>& transactions() const { return transactions_; }

  // To be called when the writers are done with the flow. Valid until the next call.
  const FlowRecord& Close(SinkFlow& flow) {
    hub_.Closed(flow);
    return *closed_;
  }

 private:
  class Consumer : public RecordConsumer {
   public:
    explicit Consumer(KeptRecords* kept) : kept_(kept) {}
    void OnTransaction(const FlowRecord& /*flow*/, const HttpTransaction& transaction) override {
      kept_->transactions_.push_back(transaction);
    }
    void OnClosed(FlowRecord& flow) override {
      kept_->closed_ = std::make_unique<FlowRecord>(std::move(flow));
    }

   private:
    KeptRecords* const kept_;
  };
  class Output : public RecordOutput {
   public:
    explicit Output(KeptRecords* kept) : kept_(kept) {}
    bool wants_flows() const override { return true; }
    bool wants_transactions() const override { return true; }
    std::unique_ptr<RecordConsumer> MakeConsumer(SinkLedger* /*ledger*/) override {
      return std::make_unique<Consumer>(kept_);
    }

   private:
    KeptRecords* const kept_;
  };

  SinkLedger ledger_;
  RecordOutputs outputs_;
  RecordHub hub_;
  std::vector<HttpTransaction> transactions_;
  std::unique_ptr<FlowRecord> closed_;
};

}  // namespace flowstitch::testing

#endif  // FLOWSTITCH_TESTS_SUPPORT_KEPT_RECORDS_H_
