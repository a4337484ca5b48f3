// How many bytes of a frame each source captures, learned from its frames: where all of them cut
// every long frame at one length, nobody will bring more of one that was cut there.
#ifndef FLOWSTITCH_REASSEMBLER_SOURCES_SNAPSHOT_LENGTHS_H_
#define FLOWSTITCH_REASSEMBLER_SOURCES_SNAPSHOT_LENGTHS_H_

#include <algorithm>
#include <cstdint>
#include <vector>

#include "base/frame.h"

namespace flowstitch {

class SnapshotLengths {
 public:
  // So many frames that a source cut at its longest show that it cuts there.
  static constexpr uint32_t kShown = 64;

  void Note(const Frame& frame) {
    if (sources_.size() <= frame.source) {
      sources_.resize(frame.source + 1);
      most_ = UINT32_MAX;
    }
    Source& source = sources_[frame.source];
    const auto captured = static_cast<uint32_t>(frame.bytes.size());
    if (captured < source.longest) return;
    if (captured > source.longest) {
      if (source.cut >= kShown) most_ = UINT32_MAX;
      source = {captured, 0};
    }
    if (captured < frame.wire_length && source.cut < kShown && ++source.cut == kShown) Settle();
  }

  // Whether somebody may capture more of a frame than so many bytes.
  bool MayCaptureMoreThan(uint32_t captured) const { return captured < most_; }

 private:
  struct Source {
    uint32_t longest = 0;  // frame so far
    uint32_t cut = 0;      // frames that were cut there
  };

  void Settle() {
    most_ = 0;
    for (const Source& source : sources_) {
      most_ = std::max(most_, source.cut < kShown ? UINT32_MAX : source.longest);
    }
  }

  std::vector<Source> sources_;
  uint32_t most_ = UINT32_MAX;  // that any source captures
};

}  // namespace flowstitch

#endif  // FLOWSTITCH_REASSEMBLER_SOURCES_SNAPSHOT_LENGTHS_H_
