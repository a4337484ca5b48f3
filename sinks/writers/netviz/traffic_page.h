// A page of PDF that shows a capture's traffic, through libharu: what tcpflow's netviz shows.
#ifndef FLOWSTITCH_SINKS_WRITERS_NETVIZ_TRAFFIC_PAGE_H_
#define FLOWSTITCH_SINKS_WRITERS_NETVIZ_TRAFFIC_PAGE_H_

#include <string>
#include <vector>

#include "absl/status/status.h"
#include "sinks/writers/netviz/traffic_profile.h"

namespace flowstitch {

struct TrafficPageInfo {
  std::vector<std::string> inputs;
  std::string generated;  // the time, as text
};

// Written beside `path` and renamed.
absl::Status WriteTrafficPage(const TrafficProfile& profile, const TrafficPageInfo& info,
                              const std::string& path);

// The addresses and ports as lines of text, "NAME\tBYTES".
std::string TrafficTable(const TrafficProfile& profile);

}  // namespace flowstitch

#endif  // FLOWSTITCH_SINKS_WRITERS_NETVIZ_TRAFFIC_PAGE_H_
