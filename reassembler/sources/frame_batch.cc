#include "reassembler/sources/frame_batch.h"

#include "base/frame.h"

namespace flowstitch {

bool FrameBatch::FitsTogether() const {
  if (frames() == 0 || captured_lengths.size() != frames() || wire_lengths.size() != frames()) {
    return false;
  }
  if (!offsets.empty() && offsets.size() != frames()) return false;
  uint64_t end = 0;
  for (size_t i = 0; i < frames(); ++i) {
    if (captured_lengths[i] > kMaxFrameBytes) return false;
    if (!offsets.empty()) {
      if (offsets[i] < end) return false;
      end = offsets[i];
    }
    end += captured_lengths[i];
  }
  // Without offsets no byte is left over.
  return offsets.empty() ? end == blob.size() : end <= blob.size();
}

}  // namespace flowstitch
