#include "capture/input_buffer.h"

#include <algorithm>
#include <cstring>

namespace flowstitch {
namespace {

// Twice the largest peek, so that the rest of one record moves seldom.
constexpr size_t kBufferBytes = 2 * InputBuffer::kMaxPeek;

}  // namespace

absl::StatusOr<std::unique_ptr<InputBuffer>> InputBuffer::Open(const std::string& path) {
  auto source = OpenByteSource(path);
  if (!source.ok()) return source.status();
  return FromSource(*std::move(source));
}

std::unique_ptr<InputBuffer> InputBuffer::FromMemory(ByteView bytes) {
  return FromSource(ByteSourceFromMemory(bytes));
}

std::unique_ptr<InputBuffer> InputBuffer::FromSource(std::unique_ptr<ByteSource> source) {
  auto buffer = std::unique_ptr<InputBuffer>(new InputBuffer());
  buffer->source_ = std::move(source);
  buffer->memory_ = std::make_unique_for_overwrite<uint8_t[]>(kBufferBytes);
  return buffer;
}

ByteView InputBuffer::Peek(size_t size) {
  if (end_ - begin_ < size && !at_end_) Fill(size);
  return {memory_.get() + begin_, std::min(size, end_ - begin_)};
}

void InputBuffer::Fill(size_t wanted) {
  std::memmove(memory_.get(), memory_.get() + begin_, end_ - begin_);
  end_ -= begin_;
  begin_ = 0;
  while (end_ < wanted && !at_end_) {
    const size_t n = source_->Read(memory_.get() + end_, kBufferBytes - end_);
    at_end_ = n == 0;
    end_ += n;
    read_bytes_ += n;
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
