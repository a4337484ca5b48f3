// Files whose failures are told with their path, and that have their final name only when complete.
#ifndef FLOWSTITCH_SINKS_STREAMS_SAFE_FILE_H_
#define FLOWSTITCH_SINKS_STREAMS_SAFE_FILE_H_

#include <string>

#include "absl/functional/function_ref.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "base/bytes.h"
#include "base/capture_time.h"
#include "sinks/streams/file_error.h"

namespace flowstitch {

// Gives out the first `length` bytes of a file, in order and in pieces; what the file does not have
// is left out. A file that is not there has none.
absl::Status ReadPrefix(const std::string& path, uint64_t length,
                        absl::FunctionRef<void(uint64_t offset, ByteView bytes)> take);

// Makes `directory`, if it is missing, checks that files can be made in it, and names it to
// output_files.h.
absl::Status PrepareOutputDirectory(const std::string& directory);

// Writes all of `bytes` at `offset` of an open file.
absl::Status WriteAt(int fd, ByteView bytes, uint64_t offset, const std::string& path);

// Writes all of `bytes` behind what is there: of a file that was opened to append, a pipe, a
// device.
absl::Status WriteAll(int fd, ByteView bytes, const std::string& path);

// Access and modification time of an open file.
void SetFileTimes(int fd, TimeNs time_ns);

// A file that is written beside its final name: PATH.part until Commit. Deleted if never committed.
class PartFile {
 public:
  PartFile() = default;
  ~PartFile();
  PartFile(const PartFile&) = delete;
  PartFile& operator=(const PartFile&) = delete;

  absl::Status Open(const std::string& final_path);
  bool open() const { return fd_ >= 0; }
  // A device or pipe that was there already: it is written as it is, and has nothing beside it.
  bool direct() const { return direct_; }
  int fd() const { return fd_; }
  absl::Status Append(ByteView bytes);
  uint64_t size() const { return size_; }
  // Leaves `count` bytes unwritten, as a hole.
  void Skip(uint64_t count) { size_ += count; }
  absl::Status Truncate();
  // Gives it its final name, or another one, and a time (kTimeMin: leaves the clock's).
  absl::Status Commit(const std::string& path, TimeNs time_ns = kTimeMin);
  void Discard();

 private:
  int fd_ = -1;
  uint64_t size_ = 0;
  bool direct_ = false;
  std::string part_path_;
};

}  // namespace flowstitch

#endif  // FLOWSTITCH_SINKS_STREAMS_SAFE_FILE_H_
