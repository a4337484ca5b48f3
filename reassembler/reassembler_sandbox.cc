#include "reassembler/reassembler_sandbox.h"

#include "transport/link_files.h"

namespace flowstitch {

SandboxOptions ReassemblerSandbox(const ReassemblerOptions& options) {
  return {LinkFiles(options.security, {options.captures, options.sinks, options.tap}),
          /*writes_files=*/false};
}

}  // namespace flowstitch
