// MD5 (RFC 1321) of many streams at once: the steps of one block depend on each other, so a
// processor that works on vectors digests sixteen blocks of sixteen streams in about the time of
// two.
#ifndef FLOWSTITCH_SINKS_STREAMS_MD5_KERNEL_H_
#define FLOWSTITCH_SINKS_STREAMS_MD5_KERNEL_H_

#include <cstddef>
#include <cstdint>

namespace flowstitch {

inline constexpr int kMd5Lanes = 16;
inline constexpr size_t kMd5BlockBytes = 64;

// The states A, B, C, D of all lanes, side by side.
struct alignas(64) Md5States {
  uint32_t words[4][kMd5Lanes];
};

// Takes `blocks` blocks of 64 bytes from `data[lane]` into each lane's state. A lane whose `stride`
// is 0 takes the same block again and again: one that is not used.
void Md5Blocks(Md5States* states, const uint8_t* const data[kMd5Lanes],
               const size_t stride[kMd5Lanes], size_t blocks);

}  // namespace flowstitch

#endif  // FLOWSTITCH_SINKS_STREAMS_MD5_KERNEL_H_
