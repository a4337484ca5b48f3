#include "reassembler/flows/delivered_window.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <random>
#include <vector>

namespace flowstitch {
namespace {

constexpr size_t kWindow = 64 << 10;

uint8_t ByteOf(int stream, Position at) {
  return static_cast<uint8_t>((at * 2654435761u >> 7) + static_cast<unsigned>(stream) * 59);
}

// Streams whose segments lie in areas that are given up as soon as the window lets them, or
// nowhere.
class Rig {
 public:
  explicit Rig(uint64_t seed, uint64_t headers = 60)
      : headers_(headers), random_(seed), window_(kWindow) {
    NewArea();
  }

  void NewArea() {
    area_ = std::make_shared<std::vector<uint8_t>>(4096 + random_() % 16384);
    used_ = 0;
    window_.SetArea({area_->data(), area_->size()}, area_);
    all_areas_.push_back(area_);
  }

  void Append(int stream, size_t size, bool copied) {
    Stream& s = streams_[stream];
    std::vector<uint8_t> bytes(size);
    for (size_t i = 0; i < size; ++i) bytes[i] = ByteOf(stream, s.next + i);
    if (copied) {
      window_.Append(&s.mark, s.next, {bytes.data(), size});
    } else {
      used_ += random_() % headers_;
      if (used_ + size > area_->size()) NewArea();
      std::copy(bytes.begin(), bytes.end(), area_->begin() + static_cast<long>(used_));
      window_.Append(&s.mark, s.next, {area_->data() + used_, size});
      used_ += size;
    }
    s.next += size;
    appended_.push_back({stream, size});
  }

  // How many of the bytes are found; all of them are right, none twice.
  uint64_t Find(int stream, Position at, uint64_t length) {
    std::map<Position, uint64_t> found;
    pieces_ = 0;
    uint64_t total = 0;
    window_.Find(streams_[stream].mark, at, length, [&](Position where, ByteView kept) {
      EXPECT_GE(where, at);
      EXPECT_LE(where + kept.size(), at + length);
      for (size_t i = 0; i < kept.size(); ++i) EXPECT_EQ(kept[i], ByteOf(stream, where + i));
      found[where] = kept.size();
      ++pieces_;
      total += kept.size();
    });
    Position end = 0;
    for (const auto& [where, size] : found) {
      EXPECT_GE(where, end);
      end = where + size;
    }
    return total;
  }

  // Of the last Find.
  size_t pieces() const { return pieces_; }
  size_t areas_alive() const {
    return static_cast<size_t>(std::count_if(all_areas_.begin(), all_areas_.end(),
                                             [](const auto& area) { return !area.expired(); }));
  }
  Position next(int stream) { return streams_[stream].next; }
  std::mt19937_64& random() { return random_; }
  // Bytes of each stream among the last `bytes` that were appended.
  std::map<int, uint64_t> Last(uint64_t bytes) const {
    std::map<int, uint64_t> last;
    for (auto it = appended_.rbegin(); it != appended_.rend() && bytes >= it->second; ++it) {
      last[it->first] += it->second;
      bytes -= it->second;
    }
    return last;
  }

 private:
  struct Stream {
    uint64_t mark = 0;
    Position next = kFirstPosition;
  };
  const uint64_t headers_;  // most bytes between two segments, of them and of other traffic
  std::mt19937_64 random_;
  DeliveredWindow window_;
  std::map<int, Stream> streams_;
  std::shared_ptr<std::vector<uint8_t>> area_;
  size_t used_ = 0;
  size_t pieces_ = 0;
  std::vector<std::weak_ptr<std::vector<uint8_t>>> all_areas_;
  std::vector<std::pair<int, uint64_t>> appended_;
};

TEST(DeliveredWindow, WhatItGivesIsWhatWasDeliveredWhereverThatLies) {
  for (uint64_t seed = 1; seed <= 50; ++seed) {
    SCOPED_TRACE(seed);
    Rig rig(seed);
    const int streams = 1 + static_cast<int>(rig.random()() % 20);
    const int copied_of_ten = static_cast<int>(rig.random()() % 11);
    for (int i = 0; i < 1500; ++i) {
      const int stream = static_cast<int>(rig.random()() % static_cast<uint64_t>(streams));
      rig.Append(stream, 1 + rig.random()() % 1500,
                 static_cast<int>(rig.random()() % 10) < copied_of_ten);
      const int other = static_cast<int>(rig.random()() % static_cast<uint64_t>(streams));
      const uint64_t back = rig.random()() % 30000;
      const Position from =
          std::max(kFirstPosition, rig.next(other) - std::min(rig.next(other), back));
      rig.Find(other, from, rig.random()() % 5000);
    }
  }
}

// The newest bytes are there, whatever else is in the areas: three quarters of what was asked for,
// the rest being records and what they leave at the ring's end.
TEST(DeliveredWindow, TheNewestBytesAreRemembered) {
  for (const bool copied : {false, true}) {
    for (uint64_t seed = 1; seed <= 40; ++seed) {
      SCOPED_TRACE(seed);
      Rig rig(seed, /*headers=*/seed % 4 == 0 ? 3000 : 60);
      const int streams = 1 + static_cast<int>(seed % 7);
      for (int i = 0; i < 2000; ++i) {
        rig.Append(static_cast<int>(rig.random()() % static_cast<uint64_t>(streams)),
                   400 + rig.random()() % 1000, copied);
        if (i < 500 || i % 50 != 0) continue;
        for (const auto& [stream, bytes] : rig.Last(kWindow * 3 / 4)) {
          ASSERT_EQ(rig.Find(stream, rig.next(stream) - bytes, bytes), bytes);
        }
      }
    }
  }
}

// A repeat of much that came in little is one comparison, not one for each segment.
TEST(DeliveredWindow, PartsOfARecordAreGivenTogether) {
  Rig rig(1);
  for (int i = 0; i < 1000; ++i) rig.Append(0, 1, false);
  EXPECT_EQ(rig.Find(0, rig.next(0) - 1000, 1000), 1000u);
  EXPECT_LE(rig.pieces(), 10u);
}

TEST(DeliveredWindow, MemoryIsGivenUp) {
  Rig rig(1);
  for (int i = 0; i < 20000; ++i) rig.Append(i % 50, 1 + static_cast<size_t>(i) % 3, false);
  for (int i = 0; i < 500; ++i) {
    rig.NewArea();
    rig.Append(i % 50, 1, false);  // hardly any bytes in much memory
  }
  // Areas are of 4 KiB at least, and so much counts for each beside: three times the window, and
  // the one under way.
  EXPECT_LE(rig.areas_alive(), 3 * kWindow / 8192 + 2);
  EXPECT_GE(rig.areas_alive(), 1u);
}

}  // namespace
}  // namespace flowstitch
