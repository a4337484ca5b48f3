#include "sinks/streams/md5_kernel.h"

#include <cstring>

namespace flowstitch {
namespace {

// A word of all lanes. Vectors wider than the machine's are cut by the compiler, which then has
// independent chains.
using Words = uint32_t __attribute__((vector_size(64)));
using Eight = uint32_t __attribute__((vector_size(32)));

// Into each of the versions below, with the instructions of that one.
#define FLOWSTITCH_INLINE inline __attribute__((always_inline))

// Words 0 to 7 of eight lanes, from rows of lanes to rows of words. `out` has room for kMd5Lanes a
// row.
FLOWSTITCH_INLINE void Transpose(const uint8_t* const data[], size_t offset, uint8_t* out) {
  Eight r[8];
  for (int lane = 0; lane < 8; ++lane) std::memcpy(&r[lane], data[lane] + offset, sizeof(Eight));
  Eight s[8];
  for (int i = 0; i < 8; i += 2) {
    s[i] = __builtin_shufflevector(r[i], r[i + 1], 0, 8, 1, 9, 4, 12, 5, 13);
    s[i + 1] = __builtin_shufflevector(r[i], r[i + 1], 2, 10, 3, 11, 6, 14, 7, 15);
  }
  for (int i = 0; i < 8; i += 4) {
    r[i] = __builtin_shufflevector(s[i], s[i + 2], 0, 1, 8, 9, 4, 5, 12, 13);
    r[i + 1] = __builtin_shufflevector(s[i], s[i + 2], 2, 3, 10, 11, 6, 7, 14, 15);
    r[i + 2] = __builtin_shufflevector(s[i + 1], s[i + 3], 0, 1, 8, 9, 4, 5, 12, 13);
    r[i + 3] = __builtin_shufflevector(s[i + 1], s[i + 3], 2, 3, 10, 11, 6, 7, 14, 15);
  }
  for (int i = 0; i < 4; ++i) {
    s[i] = __builtin_shufflevector(r[i], r[i + 4], 0, 1, 2, 3, 8, 9, 10, 11);
    s[i + 4] = __builtin_shufflevector(r[i], r[i + 4], 4, 5, 6, 7, 12, 13, 14, 15);
  }
  for (size_t word = 0; word < 8; ++word) {
    std::memcpy(out + word * sizeof(Words), &s[word], sizeof(Eight));
  }
}

// RFC 1321, 3.4: a = b + ((a + f(b, c, d) + word + constant) <<< shift), where `f` is f(b, c, d).
template <int kShift>
FLOWSTITCH_INLINE void Step(Words* a, const Words& b, const Words& f, const Words& word,
                            uint32_t constant) {
  const Words sum = *a + f + (word + constant);
  *a = b + ((sum << kShift) | (sum >> (32 - kShift)));
}

FLOWSTITCH_INLINE void Run(Md5States* states, const uint8_t* const data[], const size_t stride[],
                           size_t blocks) {
  const uint8_t* at[kMd5Lanes];
  for (int lane = 0; lane < kMd5Lanes; ++lane) at[lane] = data[lane];
  Words a0;
  Words b0;
  Words c0;
  Words d0;
  std::memcpy(&a0, states->words[0], sizeof(Words));
  std::memcpy(&b0, states->words[1], sizeof(Words));
  std::memcpy(&c0, states->words[2], sizeof(Words));
  std::memcpy(&d0, states->words[3], sizeof(Words));
  for (; blocks > 0; --blocks) {
    Words words[16];
    auto* const out = reinterpret_cast<uint8_t*>(words);
    for (size_t lane = 0; lane < size_t{kMd5Lanes}; lane += 8) {
      Transpose(at + lane, 0, out + lane * sizeof(uint32_t));
      Transpose(at + lane, 32, out + 8 * sizeof(Words) + lane * sizeof(uint32_t));
    }
    Words a = a0;
    Words b = b0;
    Words c = c0;
    Words d = d0;
#define FLOWSTITCH_F(x, y, z) ((z) ^ ((x) & ((y) ^ (z))))
#define FLOWSTITCH_G(x, y, z) ((y) ^ ((z) & ((x) ^ (y))))
#define FLOWSTITCH_H(x, y, z) ((x) ^ (y) ^ (z))
#define FLOWSTITCH_I(x, y, z) ((y) ^ ((x) | ~(z)))
#define FLOWSTITCH_STEP(f, a, b, c, d, i, shift, constant) \
  Step<shift>(&a, b, f(b, c, d), words[i], constant)
#define FLOWSTITCH_FOUR(f, i0, i1, i2, i3, s0, s1, s2, s3, k0, k1, k2, k3) \
  FLOWSTITCH_STEP(f, a, b, c, d, i0, s0, k0);                              \
  FLOWSTITCH_STEP(f, d, a, b, c, i1, s1, k1);                              \
  FLOWSTITCH_STEP(f, c, d, a, b, i2, s2, k2);                              \
  FLOWSTITCH_STEP(f, b, c, d, a, i3, s3, k3)
    FLOWSTITCH_FOUR(FLOWSTITCH_F, 0, 1, 2, 3, 7, 12, 17, 22, 0xd76aa478u, 0xe8c7b756u, 0x242070dbu,
                    0xc1bdceeeu);
    FLOWSTITCH_FOUR(FLOWSTITCH_F, 4, 5, 6, 7, 7, 12, 17, 22, 0xf57c0fafu, 0x4787c62au, 0xa8304613u,
                    0xfd469501u);
    FLOWSTITCH_FOUR(FLOWSTITCH_F, 8, 9, 10, 11, 7, 12, 17, 22, 0x698098d8u, 0x8b44f7afu,
                    0xffff5bb1u, 0x895cd7beu);
    FLOWSTITCH_FOUR(FLOWSTITCH_F, 12, 13, 14, 15, 7, 12, 17, 22, 0x6b901122u, 0xfd987193u,
                    0xa679438eu, 0x49b40821u);
    FLOWSTITCH_FOUR(FLOWSTITCH_G, 1, 6, 11, 0, 5, 9, 14, 20, 0xf61e2562u, 0xc040b340u, 0x265e5a51u,
                    0xe9b6c7aau);
    FLOWSTITCH_FOUR(FLOWSTITCH_G, 5, 10, 15, 4, 5, 9, 14, 20, 0xd62f105du, 0x02441453u, 0xd8a1e681u,
                    0xe7d3fbc8u);
    FLOWSTITCH_FOUR(FLOWSTITCH_G, 9, 14, 3, 8, 5, 9, 14, 20, 0x21e1cde6u, 0xc33707d6u, 0xf4d50d87u,
                    0x455a14edu);
    FLOWSTITCH_FOUR(FLOWSTITCH_G, 13, 2, 7, 12, 5, 9, 14, 20, 0xa9e3e905u, 0xfcefa3f8u, 0x676f02d9u,
                    0x8d2a4c8au);
    FLOWSTITCH_FOUR(FLOWSTITCH_H, 5, 8, 11, 14, 4, 11, 16, 23, 0xfffa3942u, 0x8771f681u,
                    0x6d9d6122u, 0xfde5380cu);
    FLOWSTITCH_FOUR(FLOWSTITCH_H, 1, 4, 7, 10, 4, 11, 16, 23, 0xa4beea44u, 0x4bdecfa9u, 0xf6bb4b60u,
                    0xbebfbc70u);
    FLOWSTITCH_FOUR(FLOWSTITCH_H, 13, 0, 3, 6, 4, 11, 16, 23, 0x289b7ec6u, 0xeaa127fau, 0xd4ef3085u,
                    0x04881d05u);
    FLOWSTITCH_FOUR(FLOWSTITCH_H, 9, 12, 15, 2, 4, 11, 16, 23, 0xd9d4d039u, 0xe6db99e5u,
                    0x1fa27cf8u, 0xc4ac5665u);
    FLOWSTITCH_FOUR(FLOWSTITCH_I, 0, 7, 14, 5, 6, 10, 15, 21, 0xf4292244u, 0x432aff97u, 0xab9423a7u,
                    0xfc93a039u);
    FLOWSTITCH_FOUR(FLOWSTITCH_I, 12, 3, 10, 1, 6, 10, 15, 21, 0x655b59c3u, 0x8f0ccc92u,
                    0xffeff47du, 0x85845dd1u);
    FLOWSTITCH_FOUR(FLOWSTITCH_I, 8, 15, 6, 13, 6, 10, 15, 21, 0x6fa87e4fu, 0xfe2ce6e0u,
                    0xa3014314u, 0x4e0811a1u);
    FLOWSTITCH_FOUR(FLOWSTITCH_I, 4, 11, 2, 9, 6, 10, 15, 21, 0xf7537e82u, 0xbd3af235u, 0x2ad7d2bbu,
                    0xeb86d391u);
#undef FLOWSTITCH_FOUR
#undef FLOWSTITCH_STEP
#undef FLOWSTITCH_F
#undef FLOWSTITCH_G
#undef FLOWSTITCH_H
#undef FLOWSTITCH_I
    a0 += a;
    b0 += b;
    c0 += c;
    d0 += d;
    for (int lane = 0; lane < kMd5Lanes; ++lane) at[lane] += stride[lane];
  }
  std::memcpy(states->words[0], &a0, sizeof(Words));
  std::memcpy(states->words[1], &b0, sizeof(Words));
  std::memcpy(states->words[2], &c0, sizeof(Words));
  std::memcpy(states->words[3], &d0, sizeof(Words));
}

using Kernel = void (*)(Md5States*, const uint8_t* const*, const size_t*, size_t);

void RunAnywhere(Md5States* states, const uint8_t* const* data, const size_t* stride,
                 size_t blocks) {
  Run(states, data, stride, blocks);
}

#if defined(__x86_64__)
__attribute__((target("avx2"))) void RunAvx2(Md5States* states, const uint8_t* const* data,
                                             const size_t* stride, size_t blocks) {
  Run(states, data, stride, blocks);
}

__attribute__((target("avx512f,avx512vl,avx512bw,avx512dq"))) void RunAvx512(
    Md5States* states, const uint8_t* const* data, const size_t* stride, size_t blocks) {
  Run(states, data, stride, blocks);
}
#endif

Kernel Choose() {
#if defined(__x86_64__)
  if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512vl") &&
      __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512dq")) {
    return RunAvx512;
  }
  if (__builtin_cpu_supports("avx2")) return RunAvx2;
#endif
  return RunAnywhere;
}

}  // namespace

void Md5Blocks(Md5States* states, const uint8_t* const data[kMd5Lanes],
               const size_t stride[kMd5Lanes], size_t blocks) {
  static const Kernel kernel = Choose();
  kernel(states, data, stride, blocks);
}

}  // namespace flowstitch
