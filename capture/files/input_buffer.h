// A window on a file or pipe: large reads, records looked at in place. Knows its offset in the
// file, so that damage can be named.
#ifndef FLOWSTITCH_CAPTURE_FILES_INPUT_BUFFER_H_
#define FLOWSTITCH_CAPTURE_FILES_INPUT_BUFFER_H_

#include "base/memory/memory_blocks.h"
#include "capture/files/byte_source.h"

namespace flowstitch {

class InputBuffer {
 public:
  // "-" is standard input.
  static absl::StatusOr<std::unique_ptr<InputBuffer>> Open(const std::string& path);
  // For tests and fuzzing: the bytes are the file.
  static std::unique_ptr<InputBuffer> FromMemory(ByteView bytes);
  // Reads into these blocks.
  static std::unique_ptr<InputBuffer> FromSource(std::unique_ptr<ByteSource> source,
                                                 const MemoryBlocks& blocks = MemoryBlocks());
  InputBuffer(const InputBuffer&) = delete;
  InputBuffer& operator=(const InputBuffer&) = delete;

  // The next `size` bytes without taking them, or fewer at the end of the file. Views from earlier
  // calls are gone, but for those in a block that is kept. `size` is at most kMaxPeek.
  ByteView Peek(size_t size);
  // Takes `size` bytes that Peek has shown.
  void Take(size_t size) { begin_ += size; }
  // The block that the last Peek's bytes are in. It stays as it is as long as somebody keeps it.
  const std::shared_ptr<uint8_t[]>& KeepBlock() {
    kept_ = true;
    return block_;
  }
  // Takes up to `size` bytes unseen; false when the file ends before.
  bool Skip(uint64_t size);

  // See ByteSource.
  void set_on_idle(std::function<bool()> on_idle) { source_->set_on_idle(std::move(on_idle)); }

  // In the capture; of a compressed file, in what it decompresses to.
  uint64_t offset() const { return read_bytes_ - (end_ - begin_); }
  // How much of the file itself was read, and its size; 0 when it cannot be known (a pipe).
  uint64_t file_offset() const { return source_->file_offset(); }
  uint64_t file_bytes() const { return source_->file_bytes(); }
  // What ended the file before its end.
  const absl::Status& status() const { return source_->status(); }

  static constexpr size_t kMaxPeek = MemoryBlocks::kBlockBytes;

 private:
  explicit InputBuffer(const MemoryBlocks& blocks) : blocks_(blocks) {}
  void Fill(size_t wanted);
  // Moves what was not taken to the front of a block.
  void MakeRoom();

  std::unique_ptr<ByteSource> source_;
  bool at_end_ = false;
  uint64_t read_bytes_ = 0;
  MemoryBlocks blocks_;
  std::shared_ptr<uint8_t[]> block_;
  bool kept_ = false;  // by others too
  size_t begin_ = 0;
  size_t end_ = 0;
};

}  // namespace flowstitch

#endif  // FLOWSTITCH_CAPTURE_FILES_INPUT_BUFFER_H_
