#include "capture/capture_sandbox.h"

#include <filesystem>
#include <system_error>

#include "transport/link_files.h"

namespace flowstitch {
namespace {

// One by one they are a rule each; of more, all that lies beside them may be read.
constexpr size_t kMostFileRules = 1024;

}  // namespace

SandboxOptions CaptureSandbox(const CaptureOptions& options, const CaptureInputs& inputs) {
  SandboxOptions sandbox;
  sandbox.files = LinkFiles(options.security, {options.reassembler, options.tap});
  const std::vector<std::string> files = options.AllFiles();
  for (size_t i = 0; i < files.size(); ++i) {
    if (inputs.has_file(i)) continue;
    sandbox.files.reads.push_back(files.size() > kMostFileRules ? DirectoryOf(files[i]) : files[i]);
  }
  if (!options.live.interface.empty()) {
    // libpcap counts there what the interface dropped.
    sandbox.files.reads.insert(sandbox.files.reads.end(), {"/sys/class/net", "/sys/devices"});
    if (!options.spool.empty()) {
      std::error_code ignored;  // the spool says what is wrong with it
      std::filesystem::create_directories(options.spool, ignored);
      sandbox.files.writes.push_back(options.spool);
      sandbox.writes_files = true;
    }
  }
  return sandbox;
}

}  // namespace flowstitch
