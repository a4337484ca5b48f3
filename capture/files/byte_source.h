// Where a capture file's bytes come from: a file or pipe, or what a compressed one decompresses to.
#ifndef FLOWSTITCH_CAPTURE_FILES_BYTE_SOURCE_H_
#define FLOWSTITCH_CAPTURE_FILES_BYTE_SOURCE_H_

#include <functional>
#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "base/bytes.h"

namespace flowstitch {

class ByteSource {
 public:
  virtual ~ByteSource() = default;
  // Up to `size` bytes; 0 at the end, and after a failure, which status() tells.
  virtual size_t Read(uint8_t* bytes, size_t size) = 0;
  const absl::Status& status() const { return status_; }
  // Bytes taken from the file itself, of the file's size (0: not known, a pipe).
  uint64_t file_offset() const { return file_offset_; }
  uint64_t file_bytes() const { return file_bytes_; }

  // For pipes: called every few ms while nothing comes; when it gives false, the input ends there.
  virtual void set_on_idle(std::function<bool()> on_idle) = 0;

 protected:
  absl::Status status_;
  uint64_t file_offset_ = 0;
  uint64_t file_bytes_ = 0;
};

// "-" is standard input. gzip, bzip2, xz, lzma, zstd, lz4, compress and zip are recognised by their
// first bytes and decompressed here, in this process.
absl::StatusOr<std::unique_ptr<ByteSource>> OpenByteSource(const std::string& path);

// For tests and fuzzing: the bytes are the file.
std::unique_ptr<ByteSource> ByteSourceFromMemory(ByteView bytes);

// Whether a file that begins like this is compressed. At most kCompressionMagicBytes are looked at.
inline constexpr size_t kCompressionMagicBytes = 8;
bool LooksCompressed(ByteView start);

// What a gzip file decompresses to, and what every other one does; `start` are bytes that were read
// from it already.
std::unique_ptr<ByteSource> Gunzip(const std::string& name, std::unique_ptr<ByteSource> raw,
                                   ByteView start);
std::unique_ptr<ByteSource> Decompress(const std::string& name, std::unique_ptr<ByteSource> raw,
                                       ByteView start);

}  // namespace flowstitch

#endif  // FLOWSTITCH_CAPTURE_FILES_BYTE_SOURCE_H_
