// What a reassembler may do: it reads the keys of its peers again, and makes sockets.
#ifndef FLOWSTITCH_REASSEMBLER_REASSEMBLER_SANDBOX_H_
#define FLOWSTITCH_REASSEMBLER_REASSEMBLER_SANDBOX_H_

#include "base/process/sandbox.h"
#include "reassembler/reassembler_options.h"

namespace flowstitch {

// | system calls | files to read | files to write                |
// |--------------|---------------|-------------------------------|
// | no writing   | allowed keys  | sockets of its ipc endpoints  |
SandboxOptions ReassemblerSandbox(const ReassemblerOptions& options);

}  // namespace flowstitch

#endif  // FLOWSTITCH_REASSEMBLER_REASSEMBLER_SANDBOX_H_
