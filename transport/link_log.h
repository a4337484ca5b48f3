// The log lines about a link's state, the same for all four kinds of link.
#ifndef FLOWSTITCH_TRANSPORT_LINK_LOG_H_
#define FLOWSTITCH_TRANSPORT_LINK_LOG_H_

#include <spdlog/spdlog.h>

#include <string>

#include "absl/strings/str_cat.h"
#include "transport/link_end.h"
#include "transport/log_limit.h"

namespace flowstitch {

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
