// A kind of output for records: a report, lines, a table, a command. Made once a sink; each worker
// has a consumer of it.
#ifndef FLOWSTITCH_SINKS_RECORDS_RECORD_OUTPUT_H_
#define FLOWSTITCH_SINKS_RECORDS_RECORD_OUTPUT_H_

#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "base/ledger.h"
#include "sinks/records/record_consumer.h"
#include "sinks/records/report_totals.h"

namespace flowstitch {

// All calls are thread-safe, but Service and Finish come from one thread alone.
class RecordOutput {
 public:
  virtual ~RecordOutput() = default;

  // Whether it wants to know of flows; of HTTP transactions, which then are looked for though no
  // body is written.
  virtual bool wants_flows() const { return false; }
  virtual bool wants_transactions() const { return false; }
  // Whether its consumers copy what they are told into buffers: then Flush() is called now and
  // then, and no batch is acknowledged before.
  virtual bool buffers() const { return false; }
  // For one worker; `ledger` outlives it. Null where a worker has nothing to tell.
  virtual std::unique_ptr<RecordConsumer> MakeConsumer(SinkLedger* ledger) = 0;

  // A file that is no flow's own: it was put together from several. `stream_path`: of the stream
  // that brought its first part.
  virtual void OnJoined(const std::string& /*stream_path*/, const BodyRecord& /*body*/) {}
  // To be called often.
  virtual void Service(int64_t /*now_ns*/) {}
  // Once the workers have finished.
  virtual absl::Status Finish(const ReportTotals& /*totals*/) { return absl::OkStatus(); }
  // Its first failure.
  virtual absl::Status status() { return absl::OkStatus(); }

  // Commands that it started for files.
  virtual bool idle() { return true; }
  virtual void GiveUp() {}
};

// Those of a sink.
using RecordOutputs = std::vector<std::unique_ptr<RecordOutput>>;

}  // namespace flowstitch

#endif  // FLOWSTITCH_SINKS_RECORDS_RECORD_OUTPUT_H_
