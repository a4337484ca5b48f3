// What a capture reads, opened: so that it can be opened with privileges and read without.
#ifndef FLOWSTITCH_CAPTURE_CAPTURE_INPUTS_H_
#define FLOWSTITCH_CAPTURE_CAPTURE_INPUTS_H_

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "capture/byte_source.h"
#include "capture/capture_options.h"

namespace flowstitch {

class CaptureInputs {
 public:
  // Opens everything that the options name; an error names the first that does not open.
  static absl::StatusOr<CaptureInputs> Open(const CaptureOptions& options);
  CaptureInputs() = default;

  // What was opened, or what opens now.
  absl::StatusOr<std::unique_ptr<ByteSource>> File(size_t index, const std::string& path);
  absl::StatusOr<std::unique_ptr<LiveSource>> Interface(const CaptureOptions& options);

 private:
  std::map<size_t, std::unique_ptr<ByteSource>> files_;
  std::unique_ptr<LiveSource> interface_;
};

}  // namespace flowstitch

#endif  // FLOWSTITCH_CAPTURE_CAPTURE_INPUTS_H_
