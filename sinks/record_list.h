// The outputs for records that a sink's options ask for: each folder of sinks/records/ has one.
#ifndef FLOWSTITCH_SINKS_RECORD_LIST_H_
#define FLOWSTITCH_SINKS_RECORD_LIST_H_

#include "absl/status/status.h"
#include "sinks/records/record_output.h"
#include "sinks/sink_options.h"

namespace flowstitch {

// In the order in which they finish: what one puts together, those behind it hear of.
absl::Status OpenRecordOutputs(const SinkOptions& options, RecordOutputs* outputs);

}  // namespace flowstitch

#endif  // FLOWSTITCH_SINKS_RECORD_LIST_H_
