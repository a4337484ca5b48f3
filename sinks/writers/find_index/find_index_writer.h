// The index of a flow file (tcpflow's -I): NAME.findx, a line for each piece of the stream,
// "OFFSET|SECONDS.MICROSECONDS|BYTES", in the order of the stream.
#ifndef FLOWSTITCH_SINKS_WRITERS_FIND_INDEX_FIND_INDEX_WRITER_H_
#define FLOWSTITCH_SINKS_WRITERS_FIND_INDEX_FIND_INDEX_WRITER_H_

#include "absl/container/flat_hash_set.h"
#include "absl/status/status.h"
#include "base/direction.h"
#include "sinks/streams/append_file.h"
#include "sinks/streams/writer.h"

namespace flowstitch {

inline constexpr char kFindIndexEnding[] = ".findx";

class FindIndexWriter : public Writer {
 public:
  // Runs behind the writer that names the streams. At most `max_bytes` of a stream are in its file
  // (-1: all).
  FindIndexWriter(size_t state_slot, int64_t max_bytes)
      : slot_(state_slot), max_bytes_(max_bytes) {}

  void OnBytes(SinkFlow& flow, Direction direction, uint64_t offset, ByteView bytes, TimeNs time_ns,
               BatchHold* hold) override;
  void OnClosed(SinkFlow& flow) override;
  std::vector<std::string> Endings() const override { return {kFindIndexEnding}; }
  bool buffers() const override { return true; }
  void Flush() override;
  absl::Status status() const override { return status_; }

 private:
  struct State : WriterState {
    std::unique_ptr<AppendFile> files[2];
  };
  void Note(const absl::Status& status) {
    if (status_.ok()) status_ = status;
  }

  const size_t slot_;
  const int64_t max_bytes_;
  absl::flat_hash_set<AppendFile*> waiting_;
  absl::Status status_;
};

}  // namespace flowstitch

#endif  // FLOWSTITCH_SINKS_WRITERS_FIND_INDEX_FIND_INDEX_WRITER_H_
