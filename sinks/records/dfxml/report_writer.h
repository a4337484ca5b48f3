// The report: DFXML (https://github.com/dfxml-working-group/dfxml_schema, version 2.0.0-beta.0), or
// tcpflow's form of it. Written as flows close, in their order, beside its name, and renamed when
// it is complete. What stands beside its name is well-formed too, unless the process is killed
// within a write.
#ifndef FLOWSTITCH_SINKS_RECORDS_DFXML_REPORT_WRITER_H_
#define FLOWSTITCH_SINKS_RECORDS_DFXML_REPORT_WRITER_H_

#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "base/mutex.h"
#include "sinks/records/dfxml/flow_element.h"
#include "sinks/records/record_output.h"
#include "sinks/streams/safe_file.h"

namespace flowstitch {

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

class ReportWriter : public RecordOutput {
 public:
  // The file is made at once, so that a failure is known early.
  absl::Status Open(const ReportOptions& options);

  bool wants_flows() const override { return true; }
  std::unique_ptr<RecordConsumer> MakeConsumer(SinkLedger* ledger) override;
  void OnJoined(const std::string& stream_path, const BodyRecord& body) override;
  // What has its turn goes to the buffer, and from there to the file when there is enough of it or
  // some time has passed; rolls the file when it is time.
  void Service(int64_t now_ns) override;
  absl::Status Finish(const ReportTotals& totals) override;
  absl::Status status() override;

  // The elements of flows that have closed, from any thread. They are written in the order in which
  // they closed, whichever thread comes first.
  void Add(ClosedFlows flows);

 private:
  class FlowElements;
  void WriteReady();
  void Flush(int64_t now_ns);
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
  int64_t flushed_ns_ = 0;
  bool has_flows_ = false;
  uint64_t next_ = 0;     // the flow whose turn it is
  absl::Status written_;  // how the writing goes

  struct Waiting {
    std::shared_ptr<const ClosedFlows> of;
    std::string_view elements;
  };
  Mutex mutex_;
  std::map<uint64_t, Waiting> waiting_ ABSL_GUARDED_BY(mutex_);
  std::string last_ ABSL_GUARDED_BY(mutex_);
  absl::Status status_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace flowstitch

#endif  // FLOWSTITCH_SINKS_RECORDS_DFXML_REPORT_WRITER_H_
