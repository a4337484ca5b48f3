// A file that grows by small pieces: they are collected, and written with an open, a write and a
// close, so that any number of such files needs no descriptors.
#ifndef FLOWSTITCH_SINKS_STREAMS_APPEND_FILE_H_
#define FLOWSTITCH_SINKS_STREAMS_APPEND_FILE_H_

#include <string>

#include "absl/status/status.h"
#include "base/bytes.h"
#include "base/capture_time.h"

namespace flowstitch {

class AppendFile {
 public:
  explicit AppendFile(std::string path) : path_(std::move(path)) {}

  // Adds bytes; writes when enough have come together.
  absl::Status Append(ByteView bytes);
  // Writes what is there.
  absl::Status Flush();
  // The same, and gives the file its time.
  absl::Status Finish(TimeNs time_ns);

  const std::string& path() const { return path_; }
  bool created() const { return created_; }
  size_t waiting() const { return buffer_.size(); }

 private:
  static constexpr size_t kWriteBytes = 64 << 10;
  absl::Status Open(int* fd);

  const std::string path_;
  std::string buffer_;
  bool created_ = false;
};

}  // namespace flowstitch

#endif  // FLOWSTITCH_SINKS_STREAMS_APPEND_FILE_H_
