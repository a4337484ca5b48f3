// A libpcap filter expression over frames of any link type: compiled once for each type that comes.
#ifndef FLOWSTITCH_CAPTURE_FRAME_FILTER_H_
#define FLOWSTITCH_CAPTURE_FRAME_FILTER_H_

#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "base/frame.h"
#include "capture/filter_hint.h"

struct bpf_program;

namespace flowstitch {

class FrameFilter {
 public:
  // An empty expression passes everything.
  explicit FrameFilter(std::string expression);
  ~FrameFilter();

  // False when the frame does not match, or the expression cannot be compiled for its link type:
  // then status() tells.
  bool Matches(const Frame& frame);
  const absl::Status& status() const { return status_; }
  // Why nothing has matched, perhaps; empty where something has, or nothing came.
  std::string Hint() const { return hint_.Text(expression_); }

  // Whether the expression can be compiled for Ethernet, for an error before any work is done.
  static absl::Status Check(const std::string& expression);

 private:
  struct Program;
  Program* ForLinkType(uint32_t link_type);
  bool Run(const Program& program, const Frame& frame) const;

  std::string expression_;
  std::vector<std::unique_ptr<Program>> programs_;
  FilterHint hint_;
  absl::Status status_;
};

}  // namespace flowstitch

#endif  // FLOWSTITCH_CAPTURE_FRAME_FILTER_H_
