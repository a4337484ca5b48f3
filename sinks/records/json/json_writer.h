// JSON lines: a record a flow, HTTP transaction, TLS handshake, body, gap and conflict
// (proto/record.proto). The records of one flow stand in their order; several workers' flows
// alternate.
#ifndef FLOWSTITCH_SINKS_RECORDS_JSON_JSON_WRITER_H_
#define FLOWSTITCH_SINKS_RECORDS_JSON_JSON_WRITER_H_

#include <memory>
#include <mutex>
#include <string>

#include "absl/container/flat_hash_map.h"
#include "absl/status/status.h"
#include "base/direction.h"
#include "proto/record.pb.h"
#include "sinks/records/record_consumer.h"
#include "sinks/streams/sink_flow.h"

namespace flowstitch {

// The file of all workers. Thread-safe; "-" is standard output.
class JsonFile {
 public:
  ~JsonFile();
  absl::Status Open(const std::string& path);
  void Append(const std::string& lines);
  absl::Status status();

 private:
  std::mutex mutex_;
  std::string path_;
  int fd_ = -1;
  absl::Status status_;
};

// The record of a file that is no flow's own.
void AppendBody(const BodyRecord& body, JsonFile* file);

// A worker's part.
class JsonWriter : public RecordConsumer {
 public:
  // `file` outlives the writer.
  explicit JsonWriter(JsonFile* file) : file_(file) {}

  void OnOpened(const wire::FlowOpened& event) { opened_[event.flow()] = event; }
  void OnGap(const wire::StreamGap& event);
  void OnConflict(const wire::StreamConflict& event);
  // When all other writers are done with the flow.
  void OnClosed(const SinkFlow& flow, const wire::FlowClosed& event, bool files_written);
  void OnTransaction(const SinkFlow& flow, const HttpTransaction& transaction) override;
  void OnBody(const SinkFlow& flow, Direction direction, const BodyRecord& body) override;
  void Flush();

 private:
  void Write(const wire::Record& record);

  JsonFile* const file_;
  absl::flat_hash_map<uint64_t, wire::FlowOpened> opened_;
  std::string lines_;
};

}  // namespace flowstitch

#endif  // FLOWSTITCH_SINKS_RECORDS_JSON_JSON_WRITER_H_
