// The log lines about a link's state, the same for all four kinds of link.
#ifndef FLOWSTITCH_TRANSPORT_LINK_LOG_H_
#define FLOWSTITCH_TRANSPORT_LINK_LOG_H_

#include <spdlog/spdlog.h>

#include <string>

#include "transport/link_sender.h"

namespace flowstitch {

// Says what changed since `*logged`, once.
inline void LogLinkState(const std::string& self, const std::string& peer, LinkState state,
                         LinkState* logged) {
  if (state == *logged) return;
  switch (state) {
    case LinkState::kOpen:
      if (*logged == LinkState::kLost) {
        spdlog::warn("{}: '{}' is back", self, peer);
      } else {
        spdlog::debug("{}: link to '{}' is open", self, peer);
      }
      break;
    case LinkState::kLost:
      spdlog::warn("{}: '{}' has been silent for 5 s; what it has not acknowledged is kept", self,
                   peer);
      break;
    case LinkState::kWaiting:
    case LinkState::kRefused:
      break;  // refusal is an error with a text of its own
  }
  *logged = state;
}

}  // namespace flowstitch

#endif  // FLOWSTITCH_TRANSPORT_LINK_LOG_H_
