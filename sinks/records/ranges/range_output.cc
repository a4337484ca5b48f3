#include "sinks/records/ranges/range_output.h"

#include <utility>

namespace flowstitch {
namespace {

class Ranges : public RecordConsumer {
 public:
  explicit Ranges(RangeJoiner* joiner) : joiner_(joiner) {}
  void OnClosed(FlowRecord& flow) override {
    joiner_->Add(flow.flow->close_order, std::move(flow.ranges));
  }
  void OnMissing(uint64_t close_order) override { joiner_->Add(close_order, {}); }

 private:
  RangeJoiner* const joiner_;
};

}  // namespace

std::unique_ptr<RecordConsumer> RangeOutput::MakeConsumer(SinkLedger* /*ledger*/) {
  return std::make_unique<Ranges>(&joiner_);
}

absl::Status RangeOutput::Finish(const ReportTotals& /*totals*/) {
  joiner_.Finish();
  for (const RangeJoiner::Joined& joined : joiner_.Take()) {
    for (const auto& other : *others_) other->OnJoined(joined.stream_path, joined.record);
  }
  return joiner_.status();
}

}  // namespace flowstitch
