// Blocks of memory, all of one size, that are used again and again: what a capture reads into, and
// what batches keep as long as somebody needs their bytes. Thread-safe.
#ifndef FLOWSTITCH_BASE_MEMORY_MEMORY_BLOCKS_H_
#define FLOWSTITCH_BASE_MEMORY_MEMORY_BLOCKS_H_

#include <cstddef>
#include <cstdint>
#include <memory>

#include "base/bytes.h"
#include "base/memory/shared_memory.h"

namespace flowstitch {

class MemoryBlocks {
 public:
  static constexpr size_t kBlockBytes = SharedMemory::kBlockBytes;

  // `memory`: blocks of it go first; null: there are only others.
  explicit MemoryBlocks(std::shared_ptr<SharedMemory> memory = nullptr);

  // A block of any content. It comes back by itself with its last owner, also after this object has
  // gone.
  std::shared_ptr<uint8_t[]> Take() const;
  // One of the shared memory; null when none is free.
  std::shared_ptr<uint8_t[]> TakeShared() const;
  // Null: there is none.
  const std::shared_ptr<SharedMemory>& memory() const;

 private:
  class Store;
  std::shared_ptr<Store> store_;
};

// Whether `bytes` lie in the block, which may be null.
inline bool InBlock(const std::shared_ptr<const uint8_t[]>& block, ByteView bytes) {
  const auto begin = reinterpret_cast<uintptr_t>(block.get());
  const auto at = reinterpret_cast<uintptr_t>(bytes.data());
  return begin != 0 && at >= begin && at - begin <= MemoryBlocks::kBlockBytes &&
         bytes.size() <= MemoryBlocks::kBlockBytes - (at - begin);
}

}  // namespace flowstitch

#endif  // FLOWSTITCH_BASE_MEMORY_MEMORY_BLOCKS_H_
