// What all workers of a sink write to, and read from: the report, JSON lines, lines and commands
// about files, resources whose ranges come in several flows, TLS keys.
#ifndef FLOWSTITCH_SINKS_SHARED_OUTPUTS_H_
#define FLOWSTITCH_SINKS_SHARED_OUTPUTS_H_

#include <memory>
#include <mutex>
#include <string>

#include "absl/status/status.h"
#include "sinks/sink_options.h"
#include "sinks/sink_worker.h"

namespace flowstitch {

class SharedOutputs {
 public:
  // `options` outlives it. What is opened is put into `worker`.
  absl::Status Open(const SinkOptions& options, SinkWorkerOptions* worker);

  // A key log that grows is read on; what the report waits for is written, and one that grows
  // slowly is on the disk all the same. To be called from the loop.
  void Service(int64_t now_ns);
  void AddTlsSecrets(const std::string& text) { keys_.Add(text); }

  // Once the workers have finished: resources that came in ranges stand behind all flows, then the
  // report ends.
  absl::Status WriteEnd(const ReportTotals& totals);
  // Whether no command runs any more; the first one that failed.
  bool commands_idle() const;
  absl::Status commands_status() const;
  void GiveUpCommands();

 private:
  absl::Status WriteJoined();

  const SinkOptions* options_ = nullptr;
  std::unique_ptr<ReportWriter> report_;
  std::unique_ptr<JsonFile> json_;
  std::unique_ptr<Alerts> file_alerts_;
  std::unique_ptr<Alerts> body_alerts_;
  std::unique_ptr<RangeJoiner> ranges_;
  TlsKeys keys_;
  std::mutex digest_names_;
  int64_t report_flushed_ns_ = 0;
  int64_t keys_read_ns_ = 0;
};

}  // namespace flowstitch

#endif  // FLOWSTITCH_SINKS_SHARED_OUTPUTS_H_
