// What a capture may do once its inputs are open.
#ifndef FLOWSTITCH_CAPTURE_CAPTURE_SANDBOX_H_
#define FLOWSTITCH_CAPTURE_CAPTURE_SANDBOX_H_

#include "base/process/sandbox.h"
#include "capture/capture_inputs.h"
#include "capture/capture_options.h"

namespace flowstitch {

// | system calls             | files to read                     | files to write  |
// |--------------------------|-----------------------------------|-----------------|
// | writing ones for a spool | inputs not open yet, allowed keys | the spool's own |
//
// Makes the spool's directory where it is missing.
SandboxOptions CaptureSandbox(const CaptureOptions& options, const CaptureInputs& inputs);

}  // namespace flowstitch

#endif  // FLOWSTITCH_CAPTURE_CAPTURE_SANDBOX_H_
