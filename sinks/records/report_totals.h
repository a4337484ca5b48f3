// What is known when a run ends, of everything.
#ifndef FLOWSTITCH_SINKS_RECORDS_REPORT_TOTALS_H_
#define FLOWSTITCH_SINKS_RECORDS_REPORT_TOTALS_H_

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "base/ledger.h"
#include "base/unread_layer.h"

namespace flowstitch {

struct ReportTotals {
  struct Source {
    std::string name;
    uint64_t epoch = 0;
    SourceLedger ledger;
    std::vector<std::string> inputs;
    // How far its clock is behind that of another source, and the samples this rests on; 0: none.
    int64_t skew_ns = 0;
    uint64_t skew_samples = 0;
    std::string skew_to;
  };
  struct Network {
    std::string mac;   // 6 bytes
    std::string ssid;  // any bytes
    uint64_t beacons = 0;
  };
  std::vector<Source> sources;
  ReassemblyLedger reassembly;
  std::map<UnreadKind, uint64_t> unread;  // frames that are not read, by what they are
  std::vector<Network> networks;
  SinkLedger sink;
  std::string error;  // of a source; empty when all went well
};

}  // namespace flowstitch

#endif  // FLOWSTITCH_SINKS_RECORDS_REPORT_TOTALS_H_
