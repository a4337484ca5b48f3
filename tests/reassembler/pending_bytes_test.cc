// Bytes behind a hole, many and small: what is joined is what was put in, and the work is linear.
#include "reassembler/flows/pending_bytes.h"

#include <gtest/gtest.h>

#include <random>
#include <string>
#include <vector>

namespace flowstitch {
namespace {

void Ignore(Position /*at*/, ByteView /*kept*/, ByteView /*dropped*/) {}

// Against a plain array of bytes, of which the first or the last copy counts.
TEST(PendingBytes, SmallPiecesInAnyOrderGiveTheBytesThatCount) {
  constexpr size_t kPlaces = 3000;
  constexpr int kTruncated = -2;
  for (uint64_t seed = 1; seed <= 40; ++seed) {
    for (const OverlapPolicy policy : {OverlapPolicy::kFirst, OverlapPolicy::kLast}) {
      SCOPED_TRACE("seed " + std::to_string(seed));
      std::mt19937_64 random(seed);
      PendingBytes pending;
      std::vector<int> wanted(kPlaces, -1);
      size_t added = 0;
      for (int i = 0; i < 4000; ++i) {
        const size_t length = 1 + random() % (seed % 2 == 0 ? 3 : 200);
        const size_t at = random() % (kPlaces - length);
        if (random() % 5 == 0) {  // cut off: gives way to bytes
          pending.InsertTruncated(at, static_cast<uint32_t>(length), 0);
          for (size_t k = 0; k < length; ++k) {
            if (wanted[at + k] == -1) wanted[at + k] = kTruncated;
          }
          continue;
        }
        std::string bytes(length, '\0');
        for (char& byte : bytes) byte = static_cast<char>(random());
        added += pending.Insert(at, AsBytes(bytes), i, policy, Ignore);
        for (size_t k = 0; k < length; ++k) {
          int& place = wanted[at + k];
          const int byte = static_cast<uint8_t>(bytes[k]);
          if (place < 0 || policy == OverlapPolicy::kLast) place = byte;
        }
        if (random() % 500 == 0) {  // a stretch from the front is delivered or given up
          const Position limit = random() % kPlaces;
          pending.DropBefore(limit);
          std::fill_n(wanted.begin(), limit, -1);
        }
      }
      std::vector<int> got(kPlaces, -1);
      size_t held = 0;
      while (!pending.empty()) {
        const auto [at, chunk] = pending.TakeFirst();
        const bool real = chunk.bytes != nullptr;
        for (size_t k = 0; k < chunk.length; ++k) got[at + k] = real ? chunk.bytes[k] : kTruncated;
        held += real ? chunk.length : 0;
      }
      ASSERT_EQ(got, wanted);
      ASSERT_GE(added, held);
      ASSERT_EQ(pending.payload_bytes(), 0u);
    }
  }
}

// Segments of 1,000 bytes, each a byte further than the one before: each byte is looked at a
// thousand times by its copies, but not each time as a chunk of its own.
TEST(PendingBytes, OverlapsTakeLinearWork) {
  std::vector<uint64_t> work;
  std::vector<size_t> memory;
  for (const size_t n : {10'000u, 20'000u, 40'000u}) {
    PendingBytes pending;
    const std::string segment(1000, 'x');
    for (size_t i = 0; i < n; ++i) {
      pending.Insert(1 + i, AsBytes(segment), 0, OverlapPolicy::kFirst, Ignore);
    }
    EXPECT_EQ(pending.payload_bytes(), n + 999);
    work.push_back(pending.work());
    memory.push_back(pending.memory_bytes());
  }
  EXPECT_LT(work[0], 10'000u * 100) << "a chunk a byte took a thousand looks a segment";
  for (size_t i = 1; i < work.size(); ++i) {
    EXPECT_LT(work[i], work[i - 1] * 22 / 10);
    EXPECT_LT(memory[i], memory[i - 1] * 22 / 10);
  }
}

// One by one, in order and backwards: memory is bounded by bytes, not by how they came.
TEST(PendingBytes, BytesThatComeOneByOneAreJoined) {
  PendingBytes pending;
  for (size_t i = 0; i < 100'000; ++i) {
    pending.Insert(1 + i, AsBytes(std::string(1, 'x')), 0, OverlapPolicy::kFirst, Ignore);
  }
  EXPECT_EQ(pending.payload_bytes(), 100'000u);
  EXPECT_LT(pending.memory_bytes(), 150'000u);
}

}  // namespace
}  // namespace flowstitch
