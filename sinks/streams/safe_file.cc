#include "sinks/streams/safe_file.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <utility>
#include <vector>

#include "absl/strings/str_format.h"
#include "sinks/streams/output_files.h"

namespace flowstitch {

absl::Status ReadPrefix(const std::string& path, uint64_t length,
                        absl::FunctionRef<void(uint64_t offset, ByteView bytes)> take) {
  const int fd = OpenOutput(path, O_RDONLY);
  if (fd < 0) return errno == ENOENT ? absl::OkStatus() : FileError("read", path);
  std::vector<uint8_t> buffer(std::min<uint64_t>(length, 256 << 10));
  absl::Status status;
  for (uint64_t at = 0; at < length;) {
    const ssize_t n = pread(fd, buffer.data(), std::min<uint64_t>(buffer.size(), length - at),
                            static_cast<off_t>(at));
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) status = FileError("read", path);
    if (n <= 0) break;
    take(at, {buffer.data(), static_cast<size_t>(n)});
    at += static_cast<uint64_t>(n);
  }
  close(fd);
  return status;
}

absl::Status PrepareOutputDirectory(const std::string& directory) {
  if (const absl::Status status = MakeParentDirectories(directory + "/"); !status.ok())
    return status;
  struct stat info = {};
  if (stat(directory.c_str(), &info) != 0) return FileError("use the output directory", directory);
  if (!S_ISDIR(info.st_mode)) {
    return absl::InvalidArgumentError(
        absl::StrFormat("cannot use the output directory '%s': it is not a directory", directory));
  }
  if (access(directory.c_str(), W_OK | X_OK) != 0) {
    return FileError("write to the output directory", directory);
  }
  return NameOutputDirectory(directory);
}

absl::Status WriteAt(int fd, ByteView bytes, uint64_t offset, const std::string& path) {
  while (!bytes.empty()) {
    const ssize_t n = pwrite(fd, bytes.data(), bytes.size(), static_cast<off_t>(offset));
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return FileError("write", path);
    bytes = bytes.subspan(static_cast<size_t>(n));
    offset += static_cast<uint64_t>(n);
  }
  return absl::OkStatus();
}

absl::Status WriteAll(int fd, ByteView bytes, const std::string& path) {
  while (!bytes.empty()) {
    const ssize_t n = write(fd, bytes.data(), bytes.size());
    if (n < 0 && errno == EINTR) continue;
    if (n < 0 && errno == EAGAIN) {
      pollfd item = {fd, POLLOUT, 0};
      poll(&item, 1, -1);
      continue;
    }
    if (n < 0) return FileError("write", path);
    bytes = bytes.subspan(static_cast<size_t>(n));
  }
  return absl::OkStatus();
}

void SetFileTimes(int fd, TimeNs time_ns) {
  const SplitTime split = SplitTimeNs(time_ns);
  const timespec time = {split.seconds, split.nanoseconds};
  const timespec times[2] = {time, time};
  futimens(fd, times);  // a file system that cannot hold the time keeps its own
}

PartFile::~PartFile() { Discard(); }

absl::Status PartFile::Open(const std::string& final_path) {
  if (IsPipeOrDevice(final_path)) {
    direct_ = true;
    part_path_ = final_path == "-" ? "standard output" : final_path;
    fd_ = OpenPipeOrDevice(final_path);
    return fd_ < 0 ? FileError("open", final_path) : absl::OkStatus();
  }
  struct stat info = {};
  if (stat(final_path.c_str(), &info) == 0 && !S_ISREG(info.st_mode)) {
    return absl::InvalidArgumentError(absl::StrFormat(
        "cannot write '%s': it is there already and is no file, pipe or device", final_path));
  }
  part_path_ = final_path + ".part";
  fd_ = CreateOutput(part_path_);
  if (fd_ < 0 && errno == ENOENT) {
    if (const absl::Status status = MakeParentDirectories(part_path_); !status.ok()) return status;
    fd_ = CreateOutput(part_path_);
  }
  if (fd_ < 0) return FileError("create", part_path_);
  size_ = 0;
  return absl::OkStatus();
}

absl::Status PartFile::Append(ByteView bytes) {
  if (direct_) return WriteAll(fd_, bytes, part_path_);
  const absl::Status status = WriteAt(fd_, bytes, size_, part_path_);
  if (status.ok()) size_ += bytes.size();
  return status;
}

absl::Status PartFile::Truncate() {
  size_ = 0;
  if (ftruncate(fd_, 0) != 0) return FileError("truncate", part_path_);
  return absl::OkStatus();
}

absl::Status PartFile::Commit(const std::string& path, TimeNs time_ns) {
  if (direct_) {
    const int closed = close(std::exchange(fd_, -1));
    return closed == 0 ? absl::OkStatus() : FileError("write", part_path_);
  }
  // A hole at the end has to be made explicit.
  if (ftruncate(fd_, static_cast<off_t>(size_)) != 0) return FileError("write", part_path_);
  if (time_ns != kTimeMin) SetFileTimes(fd_, time_ns);
  absl::Status status = SyncComplete(fd_, path);
  if (::close(std::exchange(fd_, -1)) != 0 && status.ok()) status = FileError("write", path);
  if (status.ok() && RenameOutput(part_path_, path) != 0) status = FileError("write", path);
  return status;
}

void PartFile::Discard() {
  if (fd_ < 0) return;
  close(fd_);
  fd_ = -1;
  if (!direct_) RemoveOutput(part_path_);
}

}  // namespace flowstitch
