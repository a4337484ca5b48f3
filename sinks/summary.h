// The short form of the ledger, for people.
#ifndef FLOWSTITCH_SINKS_SUMMARY_H_
#define FLOWSTITCH_SINKS_SUMMARY_H_

#include <string>

#include "sinks/dfxml/report_writer.h"

namespace flowstitch {

// A few lines: what was read, what became of it, what was written, what is missing.
std::string ShortLedger(const ReportTotals& totals);

}  // namespace flowstitch

#endif  // FLOWSTITCH_SINKS_SUMMARY_H_
