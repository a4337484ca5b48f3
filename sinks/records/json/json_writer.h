// JSON lines: a record a flow, HTTP transaction, TLS handshake, body, gap and conflict
// (proto/record.proto). The records of one flow stand in their order; several workers' flows
// alternate.
#ifndef FLOWSTITCH_SINKS_RECORDS_JSON_JSON_WRITER_H_
#define FLOWSTITCH_SINKS_RECORDS_JSON_JSON_WRITER_H_

#include <memory>
#include <string>

#include "absl/status/status.h"
#include "base/mutex.h"
#include "sinks/records/record_output.h"

namespace flowstitch {

class JsonWriter : public RecordOutput {
 public:
  JsonWriter() = default;
  ~JsonWriter() override;
  JsonWriter(const JsonWriter&) = delete;
  JsonWriter& operator=(const JsonWriter&) = delete;

  // "-" is standard output.
  absl::Status Open(const std::string& path);

  bool wants_flows() const override { return true; }
  bool wants_transactions() const override { return true; }
  bool buffers() const override { return true; }
  std::unique_ptr<RecordConsumer> MakeConsumer(SinkLedger* ledger) override;
  void OnJoined(const std::string& stream_path, const BodyRecord& body) override;
  absl::Status status() override;

 private:
  class Lines;
  void Append(const std::string& lines);

  Mutex mutex_;
  std::string path_;
  int fd_ = -1;
  absl::Status status_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace flowstitch

#endif  // FLOWSTITCH_SINKS_RECORDS_JSON_JSON_WRITER_H_
