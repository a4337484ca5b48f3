// Objects by index: stable addresses, freed ones used again, a generation that tells an old index's
// reminder from the new owner.
#ifndef FLOWSTITCH_BASE_SLAB_H_
#define FLOWSTITCH_BASE_SLAB_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <new>
#include <vector>

namespace flowstitch {

// T has a default constructor.
template <typename T>
class Slab {
 public:
  static constexpr uint32_t kNone = UINT32_MAX;

  Slab() = default;
  Slab(const Slab&) = delete;
  Slab& operator=(const Slab&) = delete;
  ~Slab() {
    for (uint32_t i = 0; i < used_; ++i) {
      if (cell(i).live) object(i)->~T();
    }
  }

  uint32_t New() {
    uint32_t index = free_;
    if (index != kNone) {
      free_ = cell(index).next_free;
    } else {
      index = used_++;
      if (index / kChunk == chunks_.size()) chunks_.push_back(std::make_unique<Cell[]>(kChunk));
    }
    cell(index).live = true;
    new (cell(index).memory) T();
    ++size_;
    return index;
  }

  void Delete(uint32_t index) {
    object(index)->~T();
    Cell& c = cell(index);
    c.live = false;
    ++c.generation;
    c.next_free = free_;
    free_ = index;
    --size_;
  }

  T& operator[](uint32_t index) { return *object(index); }
  const T& operator[](uint32_t index) const {
    const Cell& c = chunks_[index / kChunk][index % kChunk];
    return *std::launder(reinterpret_cast<const T*>(c.memory));
  }
  uint32_t generation(uint32_t index) { return cell(index).generation; }
  // Whether the index still means what it meant in that generation.
  bool Is(uint32_t index, uint32_t generation) {
    return cell(index).live && cell(index).generation == generation;
  }
  size_t size() const { return size_; }

 private:
  static constexpr uint32_t kChunk = 256;
  struct Cell {
    alignas(T) unsigned char memory[sizeof(T)];
    uint32_t generation = 0;
    uint32_t next_free = kNone;
    bool live = false;
  };

  Cell& cell(uint32_t index) { return chunks_[index / kChunk][index % kChunk]; }
  T* object(uint32_t index) { return std::launder(reinterpret_cast<T*>(cell(index).memory)); }

  std::vector<std::unique_ptr<Cell[]>> chunks_;
  uint32_t used_ = 0;
  uint32_t free_ = kNone;
  size_t size_ = 0;
};

}  // namespace flowstitch

#endif  // FLOWSTITCH_BASE_SLAB_H_
