// Who is told what writers find.
#ifndef FLOWSTITCH_SINKS_RECORDS_RECORD_CONSUMER_H_
#define FLOWSTITCH_SINKS_RECORDS_RECORD_CONSUMER_H_

#include "base/direction.h"
#include "sinks/records/http_transaction.h"
#include "sinks/streams/sink_flow.h"

namespace flowstitch {

class RecordConsumer {
 public:
  virtual ~RecordConsumer() = default;
  // A request with its response, when both have ended.
  virtual void OnTransaction(const SinkFlow& flow, const HttpTransaction& transaction) = 0;
  // A file that was cut out of a stream, when it is complete, or will never be.
  virtual void OnBody(const SinkFlow& flow, Direction direction, const BodyRecord& body) = 0;
};

}  // namespace flowstitch

#endif  // FLOWSTITCH_SINKS_RECORDS_RECORD_CONSUMER_H_
