// Memory that processes of one host share: one writes blocks into it, others read them. Who starts
// them makes it and passes its descriptors on (flowstitch --processes does). It can be neither
// shortened nor lengthened, so no access can fail later. A reader sees every change that the writer
// makes: between them it is agreed when a block may be written again (proto/README.md).
#ifndef FLOWSTITCH_BASE_MEMORY_SHARED_MEMORY_H_
#define FLOWSTITCH_BASE_MEMORY_SHARED_MEMORY_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "absl/status/statusor.h"
#include "base/bytes.h"

namespace flowstitch {

class SharedMemory {
 public:
  static constexpr size_t kBlockBytes = size_t{1} << 20;

  // Of one piece of memory; both are closed on exec.
  struct Descriptors {
    int write = -1;
    int read = -1;  // opened to read; another user than its maker's cannot open it anew to write
  };
  static absl::StatusOr<Descriptors> Make(size_t blocks);

  // Takes the descriptor over. An error where it is not of such memory.
  static absl::StatusOr<std::shared_ptr<const SharedMemory>> OpenToRead(int fd);
  static absl::StatusOr<std::shared_ptr<SharedMemory>> OpenToWrite(int fd);
  SharedMemory(const SharedMemory&) = delete;
  SharedMemory& operator=(const SharedMemory&) = delete;
  ~SharedMemory();

  // A random number, the same in all processes that share it.
  uint64_t id() const { return id_; }
  size_t blocks() const { return bytes_ / kBlockBytes; }
  // The n-th block, to be written where it was opened so.
  uint8_t* Block(size_t n) { return begin_ + n * kBlockBytes; }
  // The bytes [offset, offset + length) of all blocks; nothing when they are not all there.
  std::optional<ByteView> View(uint64_t offset, uint64_t length) const;
  // Whether these bytes are in it, and where.
  bool Has(ByteView bytes) const;
  uint64_t OffsetOf(ByteView bytes) const { return static_cast<uint64_t>(bytes.data() - begin_); }

 private:
  SharedMemory(void* mapped, size_t mapped_bytes);
  static absl::StatusOr<std::shared_ptr<SharedMemory>> Open(int fd, bool writes);

  void* const mapped_;
  const size_t mapped_bytes_;
  uint8_t* const begin_;  // of the first block
  const size_t bytes_;    // of all blocks
  uint64_t id_ = 0;
};

// What a process reads.
using SharedMemories = std::vector<std::shared_ptr<const SharedMemory>>;

}  // namespace flowstitch

#endif  // FLOWSTITCH_BASE_MEMORY_SHARED_MEMORY_H_
