// Strangers must not fill the log: so many lines of a kind a second, and then how many more there
// were.
#ifndef FLOWSTITCH_TRANSPORT_LOG_LIMIT_H_
#define FLOWSTITCH_TRANSPORT_LOG_LIMIT_H_

#include <spdlog/spdlog.h>

#include <string>

#include "base/capture_time.h"

namespace flowstitch {

class LogLimit {
 public:
  // A warning, if there were not too many in this second.
  void Warn(int64_t now_ns, const std::string& text) {
    const int64_t second = now_ns / kNsPerSecond;
    if (second != second_) {
      if (lines_ > kLinesASecond) {
        spdlog::warn("{} more of that kind in that second", lines_ - kLinesASecond);
      }
      second_ = second;
      lines_ = 0;
    }
    if (++lines_ <= kLinesASecond) spdlog::warn("{}", text);
  }

 private:
  static constexpr int kLinesASecond = 10;
  int64_t second_ = 0;
  int lines_ = 0;
};

}  // namespace flowstitch

#endif  // FLOWSTITCH_TRANSPORT_LOG_LIMIT_H_
