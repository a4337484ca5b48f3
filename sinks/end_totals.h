// What the reassemblers say at their ends, as one: a sink that listens to several shards reports
// what one reassembler would.
#ifndef FLOWSTITCH_SINKS_END_TOTALS_H_
#define FLOWSTITCH_SINKS_END_TOTALS_H_

#include "proto/link.pb.h"
#include "sinks/records/dfxml/report_writer.h"

namespace flowstitch {

// Adds one reassembler's ledger. Of a source that several of them know, what it counted itself is
// taken once, and what they received from it is added up.
void AddEnd(const wire::End& end, ReportTotals* totals);

}  // namespace flowstitch

#endif  // FLOWSTITCH_SINKS_END_TOTALS_H_
