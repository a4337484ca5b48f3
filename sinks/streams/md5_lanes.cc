#include "sinks/streams/md5_lanes.h"

#include <algorithm>
#include <cstring>

// The state of one computation has to be set and taken: the functions that let do not allow that.
#define OPENSSL_SUPPRESS_DEPRECATED
#include <openssl/md5.h>

#include "sinks/streams/md5_kernel.h"

namespace flowstitch {
namespace {

// Fewer streams than this are quicker one after the other.
constexpr int kFewestLanes = 3;
// A block that lanes without a feed take.
alignas(64) constexpr uint8_t kNoBlock[kMd5BlockBytes] = {};

void Transform(uint32_t (&state)[4], const uint8_t* data, size_t blocks) {
  MD5_CTX context = {};
  context.A = state[0];
  context.B = state[1];
  context.C = state[2];
  context.D = state[3];
  MD5_Update(&context, data, blocks * kMd5BlockBytes);
  state[0] = context.A;
  state[1] = context.B;
  state[2] = context.C;
  state[3] = context.D;
}

}  // namespace

void Md5::Update(ByteView bytes) {
  length_ += bytes.size();
  if (rest_ > 0) {
    const size_t n = std::min(bytes.size(), sizeof(block_) - rest_);
    std::memcpy(block_ + rest_, bytes.data(), n);
    rest_ += n;
    bytes = bytes.subspan(n);
    if (rest_ < sizeof(block_)) return;
    Transform(state_, block_, 1);
    rest_ = 0;
  }
  const size_t blocks = bytes.size() / sizeof(block_);
  if (blocks > 0) Transform(state_, bytes.data(), blocks);
  bytes = bytes.subspan(blocks * sizeof(block_));
  if (!bytes.empty()) std::memcpy(block_, bytes.data(), bytes.size());
  rest_ = bytes.size();
}

// RFC 1321, 3.1 and 3.2: a bit 1, zeros, and the length in bits.
Md5::Value Md5::Finish() {
  uint8_t last[2 * sizeof(block_)] = {};
  std::memcpy(last, block_, rest_);
  last[rest_] = 0x80;
  const size_t size = rest_ < sizeof(block_) - 8 ? sizeof(block_) : sizeof(last);
  for (size_t i = 0; i < 8; ++i) last[size - 8 + i] = static_cast<uint8_t>(length_ * 8 >> (8 * i));
  Transform(state_, last, size / sizeof(block_));
  Value value;
  for (size_t i = 0; i < 16; ++i) value[i] = static_cast<uint8_t>(state_[i / 4] >> (8 * (i % 4)));
  return value;
}

// Bytes that are no whole block stay in their Md5 until others follow.
void Md5Lanes::Run(Md5Feed* first, Other other, Done done) {
  Md5Feed* feeds[kMd5Lanes] = {};
  ByteView bytes[kMd5Lanes];  // given, and not used so far
  const uint8_t* data[kMd5Lanes];
  size_t stride[kMd5Lanes];
  size_t blocks[kMd5Lanes];
  bool from_rest[kMd5Lanes];  // the next block is the one that is kept in the Md5
  Md5States states;
  int used = 0;
  bool more = true;

  const auto enter = [&](int lane, Md5Feed* feed) {
    feeds[lane] = feed;
    bytes[lane] = {};
    blocks[lane] = 0;
    stride[lane] = kMd5BlockBytes;
    for (int i = 0; i < 4; ++i) states.words[i][lane] = feed->md5()->state_[i];
    ++used;
  };
  const auto leave = [&](int lane, bool all) {
    Md5Feed* feed = feeds[lane];
    for (int i = 0; i < 4; ++i) feed->md5()->state_[i] = states.words[i][lane];
    if (!bytes[lane].empty()) {
      feed->md5()->length_ -= bytes[lane].size();
      feed->PutBack(bytes[lane].size());
    }
    feeds[lane] = nullptr;
    data[lane] = kNoBlock;
    stride[lane] = 0;
    --used;
    if (feed != first) done(feed, all);
  };
  // Whole blocks for a lane; false when its feed has no more of them.
  const auto prepare = [&](int lane) {
    Md5& md5 = *feeds[lane]->md5();
    while (true) {
      if (md5.rest_ == 0 && bytes[lane].size() >= kMd5BlockBytes) {
        data[lane] = bytes[lane].data();
        blocks[lane] = bytes[lane].size() / kMd5BlockBytes;
        from_rest[lane] = false;
        return true;
      }
      const size_t n = std::min(bytes[lane].size(), kMd5BlockBytes - md5.rest_);
      if (n > 0) std::memcpy(md5.block_ + md5.rest_, bytes[lane].data(), n);
      md5.rest_ += n;
      bytes[lane] = bytes[lane].subspan(n);
      if (md5.rest_ == kMd5BlockBytes) {
        data[lane] = md5.block_;
        blocks[lane] = 1;
        from_rest[lane] = true;
        return true;
      }
      bytes[lane] = feeds[lane]->Next();
      if (bytes[lane].empty()) return false;
      md5.length_ += bytes[lane].size();
    }
  };
  const auto next_feed = [&]() -> Md5Feed* {
    Md5Feed* feed = more ? other() : nullptr;
    more = feed != nullptr;
    return feed;
  };

  for (int lane = 0; lane < kMd5Lanes; ++lane) {
    data[lane] = kNoBlock;
    stride[lane] = 0;
    Md5Feed* feed = lane == 0 ? first : next_feed();
    if (feed != nullptr) enter(lane, feed);
  }
  bool first_done = false;
  while (!first_done) {
    size_t run = SIZE_MAX;
    for (int lane = 0; lane < kMd5Lanes; ++lane) {
      while (feeds[lane] != nullptr && blocks[lane] == 0 && !prepare(lane)) {
        first_done = first_done || feeds[lane] == first;
        leave(lane, true);
        Md5Feed* feed = first_done ? nullptr : next_feed();
        if (feed != nullptr) enter(lane, feed);
      }
      if (feeds[lane] != nullptr) run = std::min(run, blocks[lane]);
    }
    if (first_done || used < kFewestLanes) break;
    Md5Blocks(&states, data, stride, run);
    for (int lane = 0; lane < kMd5Lanes; ++lane) {
      if (feeds[lane] == nullptr) continue;
      blocks[lane] -= run;
      data[lane] += run * kMd5BlockBytes;
      if (from_rest[lane]) {
        feeds[lane]->md5()->rest_ = 0;
      } else {
        bytes[lane] = bytes[lane].subspan(run * kMd5BlockBytes);
      }
    }
  }
  for (int lane = 0; lane < kMd5Lanes; ++lane) {
    if (feeds[lane] == nullptr) continue;
    // A block that was put together and not taken counts as the rest.
    leave(lane, false);
  }
  if (first_done) return;
  for (ByteView some = first->Next(); !some.empty(); some = first->Next())
    first->md5()->Update(some);
}

}  // namespace flowstitch
