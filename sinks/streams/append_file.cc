#include "sinks/streams/append_file.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>

#include "sinks/streams/output_files.h"
#include "sinks/streams/safe_file.h"

namespace flowstitch {

absl::Status AppendFile::Append(ByteView bytes) {
  buffer_.append(AsText(bytes));
  return buffer_.size() >= kWriteBytes ? Flush() : absl::OkStatus();
}

absl::Status AppendFile::Open(int* fd) {
  const int flags = O_WRONLY | O_APPEND | (created_ ? 0 : O_CREAT | O_EXCL);
  *fd = OpenOutput(path_, flags);
  if (*fd < 0 && errno == ENOENT && !created_) {
    if (const absl::Status status = MakeParentDirectories(path_); !status.ok()) return status;
    *fd = OpenOutput(path_, flags);
  }
  if (*fd < 0) return FileError(created_ ? "open" : "create", path_);
  created_ = true;
  return absl::OkStatus();
}

absl::Status AppendFile::Flush() {
  if (buffer_.empty()) return absl::OkStatus();
  int fd = -1;
  absl::Status status = Open(&fd);
  if (!status.ok()) return status;
  status = WriteAll(fd, AsBytes(buffer_), path_);
  buffer_.clear();
  if (close(fd) != 0 && status.ok()) status = FileError("write", path_);
  return status;
}

absl::Status AppendFile::Finish(TimeNs time_ns) {
  if (const absl::Status status = Flush(); !status.ok() || !created_) return status;
  int fd = -1;
  if (const absl::Status status = Open(&fd); !status.ok()) return status;
  SetFileTimes(fd, time_ns);
  absl::Status status = SyncComplete(fd, path_);
  if (close(fd) != 0 && status.ok()) status = FileError("write", path_);
  return status;
}

}  // namespace flowstitch
