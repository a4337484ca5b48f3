// The sink stage: streams from a reassembler in, files and reports out.
#ifndef FLOWSTITCH_SINKS_SINK_STAGE_H_
#define FLOWSTITCH_SINKS_SINK_STAGE_H_

#include <atomic>

#include "absl/status/status.h"
#include "sinks/sink_options.h"
#include "transport/process_services.h"

namespace flowstitch {

// What PrepareSink() prepares is there. Runs until the reassembler has ended and everything is
// written. After one stop request it still waits for the reassembler's end, up to 5 s; after two it
// gives up.
absl::Status RunSinkStage(const SinkOptions& options, ProcessServices& services,
                          const std::atomic<int>& stop);

}  // namespace flowstitch

#endif  // FLOWSTITCH_SINKS_SINK_STAGE_H_
