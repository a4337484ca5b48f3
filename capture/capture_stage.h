// The capture stage: frames from files or an interface, in batches, over the link to the
// reassembler.
#ifndef FLOWSTITCH_CAPTURE_CAPTURE_STAGE_H_
#define FLOWSTITCH_CAPTURE_CAPTURE_STAGE_H_

#include <atomic>

#include "absl/status/status.h"
#include "capture/capture_inputs.h"
#include "transport/process_services.h"

namespace flowstitch {

// Runs until the files are read, or `stop` is raised, and the reassembler has everything. The
// status says what could not be read; everything else has been sent all the same. `inputs` are
// those that are open already.
absl::Status RunCaptureStage(const CaptureOptions& options, ProcessServices& services,
                             const std::atomic<int>& stop, CaptureInputs inputs);

}  // namespace flowstitch

#endif  // FLOWSTITCH_CAPTURE_CAPTURE_STAGE_H_
