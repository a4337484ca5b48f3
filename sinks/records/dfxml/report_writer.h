// The report: DFXML (https://github.com/dfxml-working-group/dfxml_schema, version 2.0.0-beta.0), or
// tcpflow's form of it. Written as flows close, in their order, beside its name, and renamed when
// it is complete. What stands beside its name is well-formed too, unless the process is killed
// within a write.
#ifndef FLOWSTITCH_SINKS_RECORDS_DFXML_REPORT_WRITER_H_
#define FLOWSTITCH_SINKS_RECORDS_DFXML_REPORT_WRITER_H_

#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "base/ledger.h"
#include "base/unread_layer.h"
#include "sinks/records/dfxml/flow_element.h"
#include "sinks/streams/safe_file.h"

namespace flowstitch {

// What the end of the report tells.
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

struct ReportOptions {
  std::string path;  // "-": standard output
  ReportForm form = ReportForm::kDfxml;
  std::string command_line;  // as it was typed
  // A new report is begun when one has grown for so long, and each gets a number in its name:
  // report-0001.xml. 0: there is one.
  int64_t roll_ns = 0;
};

// Elements of some flows, one behind the other.
struct ClosedFlows {
  struct Flow {
    // Its number among all that closed, counted from 0; of one that never closed, larger than all.
    uint64_t order;
    size_t end;  // of its elements in `text`
  };
  std::string text;
  std::vector<Flow> flows;  // may have none
};

class ReportWriter {
 public:
  // The file is made at once, so that a failure is known early.
  absl::Status Open(const ReportOptions& options);
  // The elements of flows that have closed, from any thread. They are written in the order in which
  // they closed, whichever thread comes first.
  void Add(ClosedFlows flows);
  // Elements that stand behind those of all flows; from any thread.
  void AddLast(std::string elements);
  // The first failure; in any thread.
  absl::Status status();

  // For the one thread that writes, and opened it: what has its turn goes to the buffer, and from
  // there to the file when there is enough of it. To be called often.
  void WriteReady();
  // What is there goes to the file; rolls it when it is time. Called now and then.
  void Flush(int64_t now_ns);
  absl::Status Finish(const ReportTotals& totals);

 private:
  void Begin();
  void Append(std::string_view text);
  void WriteBuffer();
  absl::Status Complete(std::string_view end);
  bool to_output() const { return options_.path == "-"; }
  std::string PathNow() const;

  ReportOptions options_;
  PartFile file_;
  std::string buffer_;
  uint32_t number_ = 1;
  int64_t begun_ns_ = 0;
  bool has_flows_ = false;
  uint64_t next_ = 0;     // the flow whose turn it is
  absl::Status written_;  // how the writing goes

  struct Waiting {
    std::shared_ptr<const ClosedFlows> of;
    std::string_view elements;
  };
  // Guards what follows.
  std::mutex mutex_;
  std::map<uint64_t, Waiting> waiting_;
  std::string last_;
  absl::Status status_;
};

}  // namespace flowstitch

#endif  // FLOWSTITCH_SINKS_RECORDS_DFXML_REPORT_WRITER_H_
