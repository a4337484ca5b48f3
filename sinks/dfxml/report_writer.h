// The DFXML report (https://github.com/dfxml-working-group/dfxml_schema, version 2.0.0-beta.0):
// written as flows close, in their order, beside its name, and renamed when it is complete.
#ifndef FLOWSTITCH_SINKS_DFXML_REPORT_WRITER_H_
#define FLOWSTITCH_SINKS_DFXML_REPORT_WRITER_H_

#include <map>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "base/ledger.h"
#include "sinks/safe_file.h"

namespace flowstitch {

// What the end of the report tells.
struct ReportTotals {
  struct Source {
    std::string name;
    SourceLedger ledger;
    std::vector<std::string> inputs;
  };
  std::vector<Source> sources;
  ReassemblyLedger reassembly;
  std::vector<std::pair<uint32_t, uint64_t>> unknown_link_types;
  SinkLedger sink;
  std::string error;  // of a source; empty when all went well
};

class ReportWriter {
 public:
  // `command_line` as it was typed. The file is made at once, so that a failure is known early.
  absl::Status Open(const std::string& path, const std::string& command_line);
  // The elements of the flow that closed as number `order`, counted from 0. They are written in
  // this order, whichever thread comes first. Thread-safe.
  void Add(uint64_t order, std::string elements);
  // Thread-safe too; the first failure.
  absl::Status status();
  absl::Status Finish(const ReportTotals& totals);

 private:
  void Append(const std::string& text);

  std::mutex mutex_;
  std::string path_;
  PartFile file_;
  std::string buffer_;
  std::map<uint64_t, std::string> waiting_;  // flows whose predecessors are not here yet
  uint64_t next_ = 0;
  absl::Status status_;
};

}  // namespace flowstitch

#endif  // FLOWSTITCH_SINKS_DFXML_REPORT_WRITER_H_
