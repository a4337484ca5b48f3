// Frames of one source that came together.
#ifndef FLOWSTITCH_REASSEMBLER_SOURCES_FRAME_BATCH_H_
#define FLOWSTITCH_REASSEMBLER_SOURCES_FRAME_BATCH_H_

#include <cstdint>
#include <span>

#include "base/bytes.h"
#include "base/capture_time.h"

namespace flowstitch {

// Views of what is kept elsewhere; whoever gives a batch adds what keeps them.
struct FrameBatch {
  ByteView blob;  // the frames' bytes
  // For each frame; all as long as the first, or the batch contradicts itself.
  std::span<const TimeNs> capture_times_ns;
  std::span<const uint32_t> captured_lengths;
  std::span<const uint32_t> wire_lengths;
  std::span<const uint32_t> offsets;  // in the blob; none: one frame behind the other
  uint32_t link_type = 0;
  bool opens_no_flow = false;
  TimeNs watermark_ns = kTimeMin;  // no frame before it is still to come

  size_t frames() const { return capture_times_ns.size(); }
  // Whether it has frames, and each lies in the blob.
  bool FitsTogether() const;
};

}  // namespace flowstitch

#endif  // FLOWSTITCH_REASSEMBLER_SOURCES_FRAME_BATCH_H_
