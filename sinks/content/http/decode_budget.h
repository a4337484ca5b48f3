// What decoding bodies may cost, in output, in work and in memory.
#ifndef FLOWSTITCH_SINKS_CONTENT_HTTP_DECODE_BUDGET_H_
#define FLOWSTITCH_SINKS_CONTENT_HTTP_DECODE_BUDGET_H_

#include <cstddef>
#include <cstdint>

#include "absl/status/status.h"

namespace flowstitch {

// What one body may cost; beyond, it is kept as it came, with the reason. The time of a body is
// bounded by these too: all work is proportional to its bytes and to what its layers put out.
struct DecodeLimits {
  // Bytes that all layers of a body put out.
  uint64_t max_bytes = uint64_t{1} << 30;
  // Bytes put out for one that came in, over all bodies of a flow so far, counted from
  // `ratio_from_bytes` of output on.
  uint32_t max_ratio = 250;
  uint64_t ratio_from_bytes = uint64_t{1} << 20;
  // Codings one over the other.
  int max_layers = 4;
};

// Memory of the decoders of all bodies under way on a thread: a window is up to 16 MiB.
class DecoderMemory {
 public:
  static constexpr size_t kMaxBytes = size_t{256} << 20;
  explicit DecoderMemory(size_t limit_bytes = kMaxBytes) : limit_bytes_(limit_bytes) {}
  void Add(size_t bytes) { used_ += bytes; }
  void Remove(size_t bytes) { used_ -= bytes; }
  bool full() const { return used_ > limit_bytes_; }

 private:
  const size_t limit_bytes_;
  size_t used_ = 0;
};

// What the bodies of one flow have cost so far.
struct DecodeAccount {
  uint64_t in = 0;
  uint64_t out = 0;
};

// What decoders work with; null: nobody counts beyond the body itself. Outlives them.
struct DecodeShare {
  DecodeAccount* account = nullptr;
  DecoderMemory* memory = nullptr;
};

// What a body has cost so far; shared by its layers.
class DecodeBudget {
 public:
  DecodeBudget(const DecodeLimits& limits, const DecodeShare& share)
      : limits_(limits), share_(share) {}
  ~DecodeBudget() { UseMemory(0); }
  DecodeBudget(const DecodeBudget&) = delete;
  DecodeBudget& operator=(const DecodeBudget&) = delete;

  void NoteInput(size_t bytes);
  // An error when the limits are reached.
  absl::Status Take(size_t bytes);
  // The memory that the body's decoders have now.
  void UseMemory(size_t bytes);
  void ChangeMemory(int64_t bytes) {
    UseMemory(static_cast<size_t>(static_cast<int64_t>(memory_) + bytes));
  }

 private:
  const DecodeLimits limits_;
  const DecodeShare share_;
  DecodeAccount own_;
  size_t memory_ = 0;
};

}  // namespace flowstitch

#endif  // FLOWSTITCH_SINKS_CONTENT_HTTP_DECODE_BUDGET_H_
