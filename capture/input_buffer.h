// A window on a file or pipe: large reads, records looked at in place. Knows its offset in the
// file, so that damage can be named.
#ifndef FLOWSTITCH_CAPTURE_INPUT_BUFFER_H_
#define FLOWSTITCH_CAPTURE_INPUT_BUFFER_H_

#include <functional>
#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "base/bytes.h"

namespace flowstitch {

class InputBuffer {
 public:
  // "-" is standard input.
  static absl::StatusOr<std::unique_ptr<InputBuffer>> Open(const std::string& path);
  // For tests and fuzzing: the bytes are the file.
  static std::unique_ptr<InputBuffer> FromMemory(ByteView bytes);
  ~InputBuffer();
  InputBuffer(const InputBuffer&) = delete;
  InputBuffer& operator=(const InputBuffer&) = delete;

  // The next `size` bytes without taking them, or fewer at the end of the file. Views from earlier
  // calls are gone. `size` is at most kMaxPeek.
  ByteView Peek(size_t size);
  // Takes `size` bytes that Peek has shown.
  void Take(size_t size) { begin_ += size; }
  // Takes up to `size` bytes unseen; false when the file ends before.
  bool Skip(uint64_t size);

  // For pipes: called every few ms while nothing comes; when it gives false, the input ends there.
  void set_on_idle(std::function<bool()> on_idle) { on_idle_ = std::move(on_idle); }

  uint64_t offset() const { return read_bytes_ - (end_ - begin_); }
  // Size of the file; 0 when it cannot be known (a pipe).
  uint64_t file_bytes() const { return file_bytes_; }
  // An error of read(2), if one ended the file.
  const absl::Status& status() const { return status_; }

  static constexpr size_t kMaxPeek = size_t{1} << 20;

 private:
  InputBuffer() = default;
  void Fill(size_t wanted);
  bool WaitForPipe();

  std::string path_;
  int fd_ = -1;
  bool at_end_ = false;
  uint64_t file_bytes_ = 0;
  uint64_t read_bytes_ = 0;
  std::unique_ptr<uint8_t[]> memory_;
  size_t begin_ = 0;
  size_t end_ = 0;
  absl::Status status_;
  std::function<bool()> on_idle_;
};

}  // namespace flowstitch

#endif  // FLOWSTITCH_CAPTURE_INPUT_BUFFER_H_
