#include "capture/input_buffer.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "absl/strings/str_format.h"

namespace flowstitch {
namespace {

// Twice the largest peek, so that the rest of one record moves seldom.
constexpr size_t kBufferBytes = 2 * InputBuffer::kMaxPeek;
constexpr int kIdleMs = 20;

}  // namespace

absl::StatusOr<std::unique_ptr<InputBuffer>> InputBuffer::Open(const std::string& path) {
  auto buffer = std::unique_ptr<InputBuffer>(new InputBuffer());
  buffer->path_ = path;
  buffer->fd_ = path == "-" ? dup(STDIN_FILENO) : open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (buffer->fd_ < 0) {
    return absl::NotFoundError(
        absl::StrFormat("cannot read capture file '%s': %s", path, std::strerror(errno)));
  }
  struct stat info = {};
  if (fstat(buffer->fd_, &info) == 0) {
    if (S_ISDIR(info.st_mode)) {
      return absl::InvalidArgumentError(
          absl::StrFormat("cannot read capture file '%s': it is a directory", path));
    }
    if (S_ISREG(info.st_mode)) buffer->file_bytes_ = static_cast<uint64_t>(info.st_size);
  }
  buffer->memory_ = std::make_unique_for_overwrite<uint8_t[]>(kBufferBytes);
  return buffer;
}

std::unique_ptr<InputBuffer> InputBuffer::FromMemory(ByteView bytes) {
  auto buffer = std::unique_ptr<InputBuffer>(new InputBuffer());
  buffer->memory_ = std::make_unique_for_overwrite<uint8_t[]>(std::max(bytes.size(), size_t{1}));
  if (!bytes.empty()) std::memcpy(buffer->memory_.get(), bytes.data(), bytes.size());
  buffer->end_ = bytes.size();
  buffer->read_bytes_ = buffer->file_bytes_ = bytes.size();
  buffer->at_end_ = true;
  return buffer;
}

InputBuffer::~InputBuffer() {
  if (fd_ >= 0) close(fd_);
}

ByteView InputBuffer::Peek(size_t size) {
  if (end_ - begin_ < size && !at_end_) Fill(size);
  return {memory_.get() + begin_, std::min(size, end_ - begin_)};
}

bool InputBuffer::WaitForPipe() {
  while (on_idle_) {
    pollfd item = {fd_, POLLIN, 0};
    if (poll(&item, 1, kIdleMs) > 0) return true;
    if (!on_idle_()) return false;
  }
  return true;
}

void InputBuffer::Fill(size_t wanted) {
  std::memmove(memory_.get(), memory_.get() + begin_, end_ - begin_);
  end_ -= begin_;
  begin_ = 0;
  while (end_ < wanted && !at_end_) {
    if (file_bytes_ == 0 && !WaitForPipe()) {
      at_end_ = true;
      return;
    }
    const ssize_t n = read(fd_, memory_.get() + end_, kBufferBytes - end_);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) {
      status_ = absl::DataLossError(absl::StrFormat("reading '%s' failed at offset %d: %s", path_,
                                                    read_bytes_, std::strerror(errno)));
    }
    if (n <= 0) {
      at_end_ = true;
      return;
    }
    end_ += static_cast<size_t>(n);
    read_bytes_ += static_cast<uint64_t>(n);
  }
}

bool InputBuffer::Skip(uint64_t size) {
  while (size > 0) {
    const ByteView some = Peek(static_cast<size_t>(std::min<uint64_t>(size, kMaxPeek)));
    if (some.empty()) return false;
    Take(some.size());
    size -= some.size();
  }
  return true;
}

}  // namespace flowstitch
