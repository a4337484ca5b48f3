// A line of progress on a terminal: percent of input, rate, flows, time left.
#ifndef FLOWSTITCH_CAPTURE_PROGRESS_H_
#define FLOWSTITCH_CAPTURE_PROGRESS_H_

#include <cstdint>

namespace flowstitch {

class Progress {
 public:
  // Says nothing when not `shown`.
  explicit Progress(bool shown) : shown_(shown) {}
  ~Progress();

  // `total_bytes` is 0 when it is not known. Writes at most four times a second.
  void Update(int64_t now_ns, uint64_t done_bytes, uint64_t total_bytes, uint64_t frames,
              uint64_t flows);

 private:
  bool shown_;
  bool written_ = false;
  int64_t start_ns_ = 0;
  int64_t last_ns_ = 0;
};

}  // namespace flowstitch

#endif  // FLOWSTITCH_CAPTURE_PROGRESS_H_
