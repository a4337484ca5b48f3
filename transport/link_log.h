// The log lines about a link's state, the same for all four kinds of link.
#ifndef FLOWSTITCH_TRANSPORT_LINK_LOG_H_
#define FLOWSTITCH_TRANSPORT_LINK_LOG_H_

#include <spdlog/spdlog.h>

#include <string>

#include "absl/strings/str_cat.h"
#include "transport/link/link_end.h"
#include "transport/log_limit.h"

namespace flowstitch {

// Says once whom a process waits for, when it has done so for a while.
class WaitNotice {
 public:
  // To be called again and again; `text` makes "the reassembler at '…'".
  template <typename Text>
  void Note(const std::string& self, bool waits, int64_t now_ns, const Text& text) {
    if (since_ns_ == 0 || !waits) since_ns_ = now_ns;
    if (!waits || said_ || now_ns - since_ns_ < kPatienceNs) return;
    said_ = true;
    spdlog::info("{}: waiting for {}", self, std::string(text()));
  }

 private:
  static constexpr int64_t kPatienceNs = 2 * kNsPerSecond;
  int64_t since_ns_ = 0;
  bool said_ = false;
};

// Says what changed since `*logged`, once. `limit`: a thousand peers are lost in a second too.
inline void LogLinkState(const std::string& self, const std::string& peer, LinkState state,
                         LinkState* logged, int64_t now_ns, LogLimit* limit) {
  if (state == *logged) return;
  switch (state) {
    case LinkState::kOpen:
      if (*logged == LinkState::kLost) {
        limit->Warn(now_ns, absl::StrCat(self, ": '", peer, "' is back"));
      } else {
        spdlog::debug("{}: link to '{}' is open", self, peer);
      }
      break;
    case LinkState::kLost:
      limit->Warn(now_ns, absl::StrCat(self, ": '", peer,
                                       "' has been silent for 5 s; what it has not acknowledged is "
                                       "kept"));
      break;
    case LinkState::kWaiting:
    case LinkState::kRefused:
      break;  // refusal is an error with a text of its own
  }
  *logged = state;
}

}  // namespace flowstitch

#endif  // FLOWSTITCH_TRANSPORT_LINK_LOG_H_
