// Puts together what came in ranges (range_joiner.h), and tells the other outputs of each file.
#ifndef FLOWSTITCH_SINKS_RECORDS_RANGES_RANGE_OUTPUT_H_
#define FLOWSTITCH_SINKS_RECORDS_RANGES_RANGE_OUTPUT_H_

#include <memory>

#include "sinks/records/ranges/range_joiner.h"
#include "sinks/records/record_output.h"

namespace flowstitch {

class RangeOutput : public RecordOutput {
 public:
  // `others` outlive it.
  RangeOutput(const DigestChoice& digests, const RecordOutputs* others)
      : joiner_(digests), others_(others) {}

  std::unique_ptr<RecordConsumer> MakeConsumer(SinkLedger* ledger) override;
  absl::Status Finish(const ReportTotals& totals) override;
  absl::Status status() override { return joiner_.status(); }

 private:
  RangeJoiner joiner_;
  const RecordOutputs* const others_;
};

}  // namespace flowstitch

#endif  // FLOWSTITCH_SINKS_RECORDS_RANGES_RANGE_OUTPUT_H_
