// Who is told what was found in flows: one consumer a worker, made by a kind of output.
#ifndef FLOWSTITCH_SINKS_RECORDS_RECORD_CONSUMER_H_
#define FLOWSTITCH_SINKS_RECORDS_RECORD_CONSUMER_H_

#include <string>

#include "base/direction.h"
#include "sinks/records/body_record.h"
#include "sinks/records/flow_record.h"
#include "sinks/records/http_transaction.h"

namespace flowstitch {

// Called in the thread of its worker alone. `flow` is valid during the call.
class RecordConsumer {
 public:
  virtual ~RecordConsumer() = default;

  virtual void OnGap(const FlowRecord& /*flow*/, Direction /*direction*/,
                     const GapRecord& /*gap*/) {}
  virtual void OnConflict(const FlowRecord& /*flow*/, Direction /*direction*/,
                          const ConflictRecord& /*conflict*/) {}
  // The file of a stream was made; its record comes when the flow closes.
  virtual void OnStreamFileBegun(const std::string& /*path*/) {}
  virtual void OnStreamFile(const FlowRecord& /*flow*/, Direction /*direction*/,
                            const StreamFileRecord& /*file*/) {}
  // The first byte of a body came; its record comes when it is complete, or will never be, and may
  // have another path.
  virtual void OnBodyBegun(const std::string& /*path*/) {}
  virtual void OnBody(const FlowRecord& /*flow*/, Direction /*direction*/,
                      const BodyRecord& /*body*/) {}
  // A request with its response, when both have ended.
  virtual void OnTransaction(const FlowRecord& /*flow*/, const HttpTransaction& /*transaction*/) {}
  // A flow, with everything that was found in it.
  virtual void OnClosed(FlowRecord& /*flow*/) {}
  // A flow that was never announced took this place among those that closed.
  virtual void OnMissing(uint64_t /*close_order*/) {}

  // After each batch, and when nothing has come for a moment.
  virtual void OnBatchDone() {}
  // What it has in buffers of its own goes to the file.
  virtual void Flush() {}
};

}  // namespace flowstitch

#endif  // FLOWSTITCH_SINKS_RECORDS_RECORD_CONSUMER_H_
