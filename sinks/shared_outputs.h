// What all workers of a sink write to, and read from: outputs for records, TLS keys.
#ifndef FLOWSTITCH_SINKS_SHARED_OUTPUTS_H_
#define FLOWSTITCH_SINKS_SHARED_OUTPUTS_H_

#include <string>

#include "absl/status/status.h"
#include "sinks/records/record_output.h"
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
  // Those of a StreamBatch or an End.
  template <typename Message>
  void TakeTlsSecrets(const Message& message) {
    for (const std::string& text : message.tls_secrets()) keys_.Add(text);
  }

  // Once the workers have finished. An output is told what failed before it.
  absl::Status WriteEnd(const ReportTotals& totals);
  // Whether no command runs any more; the first one that failed.
  bool commands_idle() const;
  absl::Status status() const;
  void GiveUpCommands();

 private:
  absl::Status OpenKeys();

  const SinkOptions* options_ = nullptr;
  RecordOutputs records_;
  TlsKeys keys_;
  int64_t keys_read_ns_ = 0;
};

}  // namespace flowstitch

#endif  // FLOWSTITCH_SINKS_SHARED_OUTPUTS_H_
