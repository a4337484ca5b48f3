#include "capture/capture_inputs.h"

#include <utility>

#include "base/descriptors.h"

namespace flowstitch {
namespace {

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

}  // namespace flowstitch
