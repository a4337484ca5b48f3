// What a capture reads, opened: so that it can be opened with privileges and read without.
#ifndef FLOWSTITCH_CAPTURE_CAPTURE_INPUTS_H_
#define FLOWSTITCH_CAPTURE_CAPTURE_INPUTS_H_

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "capture/capture_options.h"
#include "capture/files/byte_source.h"
#include "capture/live_source.h"
#include "proto/ledger.pb.h"

namespace flowstitch {

class CaptureInputs {
 public:
  // Opens what could not be opened later: the interface, and all files where the options change the
  // user or the root, otherwise those that our user may not read without root's capabilities. What
  // does not open is said when it is asked for.
  static CaptureInputs Open(const CaptureOptions& options);
  CaptureInputs() = default;

  bool has_file(size_t index) const { return files_.count(index) > 0; }

  // What was opened, or what opens now.
  absl::StatusOr<std::unique_ptr<ByteSource>> File(size_t index, const std::string& path);
  absl::StatusOr<std::unique_ptr<LiveSource>> Interface(const CaptureOptions& options);

 private:
  std::map<size_t, absl::StatusOr<std::unique_ptr<ByteSource>>> files_;
  std::optional<absl::StatusOr<std::unique_ptr<LiveSource>>> interface_;
};

// Bytes of those that are regular files; 0: none is, and how much there is to read is not known.
uint64_t SizeOfFiles(const std::vector<std::string>& paths);

// Names all inputs to the reassembler, or as many of them as its message can hold.
void NameInputs(const CaptureOptions& options, wire::SourceLedger* figures);

}  // namespace flowstitch

#endif  // FLOWSTITCH_CAPTURE_CAPTURE_INPUTS_H_
