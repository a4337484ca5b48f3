#include "capture/progress.h"

#include <algorithm>
#include <cstdio>
#include <string>

#include "absl/strings/str_format.h"
#include "base/capture_time.h"

namespace flowstitch {
namespace {

constexpr int64_t kIntervalNs = 250 * kNsPerMs;

}  // namespace

Progress::~Progress() {
  if (written_) std::fputs("\r\033[K", stderr);
}

void Progress::Update(int64_t now_ns, uint64_t done_bytes, uint64_t total_bytes, uint64_t frames,
                      uint64_t flows) {
  if (!shown_ || now_ns - last_ns_ < kIntervalNs) return;
  if (start_ns_ == 0) start_ns_ = now_ns;
  last_ns_ = now_ns;
  const double seconds = std::max(1e-3, static_cast<double>(now_ns - start_ns_) / 1e9);
  const double rate = static_cast<double>(done_bytes) / seconds;
  std::string line = absl::StrFormat("%.1f MB/s, %d frames, %d flows", rate / 1e6, frames, flows);
  if (total_bytes > 0) {
    const double left = static_cast<double>(total_bytes - std::min(done_bytes, total_bytes));
    line = absl::StrFormat("%3.0f %%, %s, %.0f s left",
                           100.0 * (1.0 - left / static_cast<double>(total_bytes)), line,
                           rate > 0 ? left / rate : 0.0);
  }
  std::fprintf(stderr, "\r\033[K%s", line.c_str());
  std::fflush(stderr);
  written_ = true;
}

}  // namespace flowstitch
