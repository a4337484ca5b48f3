// The short form of the ledger, for people.
#ifndef FLOWSTITCH_SINKS_SUMMARY_H_
#define FLOWSTITCH_SINKS_SUMMARY_H_

#include <string>

#include "sinks/records/dfxml/report_writer.h"

namespace flowstitch {

// What the sink was to write: nothing is said of the rest.
struct WrittenKinds {
  bool flow_files = false;
  bool http_bodies = false;
};

// A few lines: what was read, what became of it, what was written, what is missing. Empty where
// nothing was read for an error, which says it all.
std::string ShortLedger(const ReportTotals& totals, const WrittenKinds& written);

}  // namespace flowstitch

#endif  // FLOWSTITCH_SINKS_SUMMARY_H_
