#include "capture/capture_inputs.h"

#include <sys/stat.h>

#include <utility>

#include "base/descriptors.h"
#include "base/process/privileges.h"
#include "base/utf8_text.h"
#include "transport/link/link_limits.h"

namespace flowstitch {
namespace {

// Of the last message, which has more to say.
constexpr size_t kMaxInputsBytes = kMaxEndBytes / 2;

absl::StatusOr<std::unique_ptr<LiveSource>> OpenInterface(const CaptureOptions& options) {
  LiveOptions live = options.live;
  live.filter = options.filter;
  return LiveSource::Open(live);
}

}  // namespace

CaptureInputs CaptureInputs::Open(const CaptureOptions& options) {
  CaptureInputs inputs;
  if (options.privileges.any()) RaiseDescriptorLimit();
  const std::vector<std::string> files = options.AllFiles();
  for (size_t i = 0; i < files.size(); ++i) {
    if (!options.privileges.any() && ReadsWithoutCapabilities(files[i])) continue;
    inputs.files_.emplace(i, OpenByteSource(files[i]));
  }
  if (!options.live.interface.empty()) inputs.interface_ = OpenInterface(options);
  return inputs;
}

absl::StatusOr<std::unique_ptr<ByteSource>> CaptureInputs::File(size_t index,
                                                                const std::string& path) {
  const auto opened = files_.find(index);
  if (opened == files_.end()) return OpenByteSource(path);
  return std::move(opened->second);
}

absl::StatusOr<std::unique_ptr<LiveSource>> CaptureInputs::Interface(
    const CaptureOptions& options) {
  if (!interface_) return OpenInterface(options);
  return *std::exchange(interface_, std::nullopt);
}

uint64_t SizeOfFiles(const std::vector<std::string>& paths) {
  uint64_t bytes = 0;
  for (const std::string& path : paths) {
    struct stat info = {};
    if (path == "-" || stat(path.c_str(), &info) != 0 || !S_ISREG(info.st_mode)) continue;
    bytes += static_cast<uint64_t>(info.st_size);
  }
  return bytes;
}

void NameInputs(const CaptureOptions& options, wire::SourceLedger* figures) {
  size_t bytes = 0;
  for (const std::string& file : options.AllFiles()) {
    bytes += file.size();
    if (bytes > kMaxInputsBytes) break;
    figures->add_inputs(ToUtf8(file));
  }
  const std::string& interface = options.live.interface;
  if (!interface.empty()) figures->add_inputs(ToUtf8(interface));
}

}  // namespace flowstitch
