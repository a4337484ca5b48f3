// The reassembler stage: packets of all sources in, streams to all sinks out. Writes nothing to
// disk.
#ifndef FLOWSTITCH_REASSEMBLER_REASSEMBLER_STAGE_H_
#define FLOWSTITCH_REASSEMBLER_REASSEMBLER_STAGE_H_

#include <atomic>

#include "absl/status/status.h"
#include "reassembler/reassembler_options.h"
#include "transport/process_services.h"

namespace flowstitch {

// What cannot work is said before anything is started.
absl::Status CheckReassemblerOptions(const ReassemblerOptions& options);

// Runs until the sources have ended, or `stop` is raised, and the sinks have everything.
absl::Status RunReassemblerStage(const ReassemblerOptions& options, ProcessServices& services,
                                 const std::atomic<int>& stop);

}  // namespace flowstitch

#endif  // FLOWSTITCH_REASSEMBLER_REASSEMBLER_STAGE_H_
