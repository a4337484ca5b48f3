#include "sinks/streams/piece_file.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <utility>

#include "sinks/streams/output_files.h"
#include "sinks/streams/safe_file.h"

namespace flowstitch {

PieceFile::~PieceFile() {
  if (!keep_) Discard();
  Forget();
}

void PieceFile::Forget() {
  memory_->Remove(buffer_.size());
  buffer_.clear();
}

void PieceFile::Begin(std::string path, size_t keep_bytes, bool keep) {
  path_ = std::move(path);
  keep_bytes_ = keep_bytes;
  keep_ = keep;
}

absl::Status PieceFile::Append(ByteView bytes) {
  if (bytes.empty()) return absl::OkStatus();
  if (buffer_.size() + bytes.size() > keep_bytes_ || memory_->full()) {
    if (const absl::Status status = Flush(); !status.ok()) return status;
    if (bytes.size() > keep_bytes_ / 2 || memory_->full()) return Write(bytes);
  }
  if (buffer_.empty()) buffer_at_ = size_;
  buffer_.append(AsText(bytes));
  memory_->Add(bytes.size());
  size_ += bytes.size();
  return absl::OkStatus();
}

void PieceFile::Skip(uint64_t count) {
  if (count == 0) return;
  // Small holes are zeros in the buffer; a large one has to be one of the file.
  if (!buffer_.empty() && count <= keep_bytes_ && buffer_.size() + count <= keep_bytes_) {
    buffer_.append(static_cast<size_t>(count), '\0');
    memory_->Add(static_cast<size_t>(count));
  } else if (!buffer_.empty()) {
    // What is kept back is written before a hole; a failure shows at the next write.
    pending_ = Flush();
  }
  size_ += count;
}

absl::Status PieceFile::Open(int* fd) {
  if (!pending_.ok()) return pending_;
  *fd = created_ ? OpenOutput(path_, O_RDWR) : CreateOutput(path_);
  if (*fd < 0 && errno == ENOENT && !created_) {
    if (const absl::Status status = MakeParentDirectories(path_); !status.ok()) return status;
    *fd = CreateOutput(path_);
  }
  if (*fd < 0) return FileError(created_ ? "open" : "create", path_);
  created_ = true;
  return absl::OkStatus();
}

absl::Status PieceFile::Write(ByteView bytes) {
  int fd = -1;
  absl::Status status = Open(&fd);
  if (!status.ok()) return status;
  status = WriteAt(fd, bytes, size_, path_);
  size_ += bytes.size();
  if (close(fd) != 0 && status.ok()) status = FileError("write", path_);
  return status;
}

absl::Status PieceFile::Flush() {
  if (buffer_.empty()) return pending_;
  int fd = -1;
  absl::Status status = Open(&fd);
  if (!status.ok()) return status;
  status = WriteAt(fd, AsBytes(buffer_), buffer_at_, path_);
  Forget();
  if (close(fd) != 0 && status.ok()) status = FileError("write", path_);
  return status;
}

absl::Status PieceFile::Truncate() {
  Forget();
  size_ = 0;
  if (!created_) return absl::OkStatus();
  created_ = false;  // the next write makes it anew
  return RemoveOutput(path_) == 0 ? absl::OkStatus() : FileError("truncate", path_);
}

absl::Status PieceFile::ReadBack(const std::function<absl::Status(ByteView)>& taker) {
  if (!created_ && buffer_.size() == size_) return taker(AsBytes(buffer_));
  if (const absl::Status status = Flush(); !status.ok()) return status;
  int fd = -1;
  if (const absl::Status status = Open(&fd); !status.ok()) return status;
  std::string block(64 << 10, '\0');
  absl::Status status;
  // A hole at the end has to be made explicit.
  if (ftruncate(fd, static_cast<off_t>(size_)) != 0) status = FileError("write", path_);
  for (uint64_t at = 0; at < size_ && status.ok();) {
    const ssize_t n = pread(fd, block.data(), block.size(), static_cast<off_t>(at));
    if (n <= 0) {
      status = FileError("read back", path_);
      break;
    }
    status = taker(AsBytes({block.data(), static_cast<size_t>(n)}));
    at += static_cast<uint64_t>(n);
  }
  if (close(fd) != 0 && status.ok()) status = FileError("write", path_);
  return status;
}

absl::Status PieceFile::Commit(const std::string& path, TimeNs time_ns) {
  int fd = -1;
  absl::Status status = Open(&fd);
  if (!status.ok()) return status;
  const bool hole_at_end = buffer_.empty() || buffer_at_ + buffer_.size() < size_;
  if (!buffer_.empty()) status = WriteAt(fd, AsBytes(buffer_), buffer_at_, path_);
  Forget();
  // A hole at the end has to be made explicit.
  if (status.ok() && hole_at_end && ftruncate(fd, static_cast<off_t>(size_)) != 0) {
    status = FileError("write", path_);
  }
  SetFileTimes(fd, time_ns);
  status.Update(SyncComplete(fd, path_));
  if (close(fd) != 0 && status.ok()) status = FileError("write", path_);
  if (status.ok() && path != path_ && RenameOutput(path_, path) != 0) {
    status = FileError("write", path);
  }
  if (!status.ok()) return status;
  path_.clear();
  created_ = false;
  size_ = 0;
  return absl::OkStatus();
}

void PieceFile::Discard() {
  if (created_) RemoveOutput(path_);
  created_ = false;
  Forget();
  size_ = 0;
}

}  // namespace flowstitch
