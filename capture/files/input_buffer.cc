#include "capture/files/input_buffer.h"

#include <algorithm>
#include <cstring>

namespace flowstitch {
namespace {

// It is not worth a read to fill less of a block.
constexpr size_t kMinReadBytes = 64 << 10;

}  // namespace

absl::StatusOr<std::unique_ptr<InputBuffer>> InputBuffer::Open(const std::string& path) {
  auto source = OpenByteSource(path);
  if (!source.ok()) return source.status();
  return FromSource(*std::move(source));
}

std::unique_ptr<InputBuffer> InputBuffer::FromMemory(ByteView bytes) {
  return FromSource(ByteSourceFromMemory(bytes));
}

std::unique_ptr<InputBuffer> InputBuffer::FromSource(std::unique_ptr<ByteSource> source,
                                                     const MemoryBlocks& blocks) {
  auto buffer = std::unique_ptr<InputBuffer>(new InputBuffer(blocks));
  buffer->source_ = std::move(source);
  buffer->block_ = buffer->blocks_.Take();
  return buffer;
}

ByteView InputBuffer::Peek(size_t size) {
  if (end_ - begin_ < size && !at_end_) Fill(size);
  return {block_.get() + begin_, std::min(size, end_ - begin_)};
}

void InputBuffer::MakeRoom() {
  auto next = kept_ ? blocks_.Take() : block_;
  std::memmove(next.get(), block_.get() + begin_, end_ - begin_);
  block_ = std::move(next);
  kept_ = false;
  end_ -= begin_;
  begin_ = 0;
}

void InputBuffer::Fill(size_t wanted) {
  if (begin_ + wanted > kMaxPeek || kMaxPeek - end_ < kMinReadBytes) MakeRoom();
  while (end_ - begin_ < wanted && !at_end_) {
    const size_t n = source_->Read(block_.get() + end_, kMaxPeek - end_);
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
