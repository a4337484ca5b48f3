#include "capture/capture_inputs.h"

#include <sys/stat.h>

#include <utility>

#include "base/descriptors.h"
#include "base/utf8_text.h"
#include "transport/link_limits.h"

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

absl::StatusOr<CaptureInputs> CaptureInputs::Open(const CaptureOptions& options) {
  RaiseDescriptorLimit();
  CaptureInputs inputs;
  size_t index = 0;
  for (const std::string& path : options.AllFiles()) {
    auto file = OpenByteSource(path);
    if (!file.ok()) return file.status();
    inputs.files_[index++] = *std::move(file);
  }
  if (options.live.interface.empty()) return inputs;
  auto source = OpenInterface(options);
  if (!source.ok()) return source.status();
  inputs.interface_ = *std::move(source);
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
  if (interface_ == nullptr) return OpenInterface(options);
  return std::move(interface_);
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
