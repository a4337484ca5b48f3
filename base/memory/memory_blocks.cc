#include "base/memory/memory_blocks.h"

#include <sanitizer/asan_interface.h>  // without the sanitizer, its macros do nothing
#include <sys/mman.h>

#include <new>
#include <vector>

#include "base/mutex.h"

namespace flowstitch {
namespace {

// Two blocks: a large page of x86-64, where the system gives such.
constexpr size_t kSlabBytes = 2 * MemoryBlocks::kBlockBytes;

// Aligned to its size.
uint8_t* MapSlab() {
  void* mapped =
      mmap(nullptr, 2 * kSlabBytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (mapped == MAP_FAILED) throw std::bad_alloc();
  auto* begin = static_cast<uint8_t*>(mapped);
  const size_t before = -reinterpret_cast<uintptr_t>(begin) % kSlabBytes;
  if (before > 0) munmap(begin, before);
  munmap(begin + before + kSlabBytes, kSlabBytes - before);
  madvise(begin + before, kSlabBytes,
          MADV_HUGEPAGE);  // where that is refused, there are more page faults
  return begin + before;
}

}  // namespace

class MemoryBlocks::Store {
 public:
  explicit Store(std::shared_ptr<SharedMemory> memory) : memory_(std::move(memory)) {
    if (memory_ == nullptr) return;
    for (size_t n = memory_->blocks(); n > 0; --n) shared_.push_back(memory_->Block(n - 1));
  }
  Store(const Store&) = delete;
  Store& operator=(const Store&) = delete;
  ~Store() {
    for (uint8_t* slab : slabs_) {
      ASAN_UNPOISON_MEMORY_REGION(slab, kSlabBytes);
      munmap(slab, kSlabBytes);
    }
    for (uint8_t* block : shared_) ASAN_UNPOISON_MEMORY_REGION(block, kBlockBytes);
  }

  uint8_t* Take() {
    const MutexLock lock(&mutex_);
    if (!shared_.empty()) return TakeFrom(&shared_);
    if (free_.empty()) AddSlab();
    return TakeFrom(&free_);
  }

  uint8_t* TakeShared() {
    const MutexLock lock(&mutex_);
    return shared_.empty() ? nullptr : TakeFrom(&shared_);
  }

  // There is room for it: see AddSlab.
  void GiveBack(uint8_t* block) {
    const MutexLock lock(&mutex_);
    const bool shared = memory_ != nullptr && memory_->Has({block, kBlockBytes});
    ASAN_POISON_MEMORY_REGION(block, kBlockBytes);
    (shared ? shared_ : free_).push_back(block);
  }

  const std::shared_ptr<SharedMemory>& memory() const { return memory_; }

 private:
  static uint8_t* TakeFrom(std::vector<uint8_t*>* blocks) {
    uint8_t* block = blocks->back();
    blocks->pop_back();
    ASAN_UNPOISON_MEMORY_REGION(block, kBlockBytes);
    return block;
  }

  void AddSlab() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
    slabs_.reserve(slabs_.size() + 1);
    free_.reserve(2 * (slabs_.size() + 1));
    uint8_t* slab = MapSlab();
    slabs_.push_back(slab);
    free_.push_back(slab + kBlockBytes);
    free_.push_back(slab);
  }

  const std::shared_ptr<SharedMemory> memory_;  // may be null
  Mutex mutex_;
  std::vector<uint8_t*> slabs_ ABSL_GUARDED_BY(mutex_);
  // The one that came back last, whose bytes are the nearest, goes first.
  std::vector<uint8_t*> free_ ABSL_GUARDED_BY(mutex_);
  std::vector<uint8_t*> shared_ ABSL_GUARDED_BY(mutex_);
};

MemoryBlocks::MemoryBlocks(std::shared_ptr<SharedMemory> memory)
    : store_(std::make_shared<Store>(std::move(memory))) {}

std::shared_ptr<uint8_t[]> MemoryBlocks::Take() const {
  return {store_->Take(), [store = store_](uint8_t* block) { store->GiveBack(block); }};
}

std::shared_ptr<uint8_t[]> MemoryBlocks::TakeShared() const {
  uint8_t* taken = store_->TakeShared();
  if (taken == nullptr) return nullptr;
  return {taken, [store = store_](uint8_t* block) { store->GiveBack(block); }};
}

const std::shared_ptr<SharedMemory>& MemoryBlocks::memory() const { return store_->memory(); }

}  // namespace flowstitch
