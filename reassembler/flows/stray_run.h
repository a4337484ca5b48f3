// Segments between the ends of a flow that lie outside its sequence spaces. One alone is noise. A
// few that follow each other are another connection between the same ends: the other side of a
// proxy, or a flow whose middle no sensor saw. They are kept until that shows, then given to it.
#ifndef FLOWSTITCH_REASSEMBLER_FLOWS_STRAY_RUN_H_
#define FLOWSTITCH_REASSEMBLER_FLOWS_STRAY_RUN_H_

#include <optional>
#include <vector>

#include "reassembler/flows/frame_recorder.h"
#include "reassembler/flows/tcp_limits.h"
#include "reassembler/frames/segment.h"

namespace flowstitch {

class StrayRun {
 public:
  // Takes a segment that follows those before it. Otherwise they are dropped and it begins a new
  // run. Returns the payload bytes dropped.
  size_t Add(const Segment& segment, const TcpLimits& limits);
  // Enough have come that follow each other and say different things.
  bool IsFlow() const { return pieces_ >= kPieces; }

  struct Kept {
    Segment segment;  // its payload is `bytes`
    std::vector<uint8_t> bytes;
    LinkLayer link;
    TunnelPath tunnels;
  };
  // What was kept, in order, with its views set.
  std::vector<Kept> Take();
  size_t size() const { return kept_.size(); }

  HeldFrames frames;  // of what is kept, when frames are wanted
  size_t payload_bytes() const { return payload_bytes_; }
  size_t memory_bytes() const { return payload_bytes_ + kept_.size() * kOverheadBytes; }

  // What a kept segment costs beyond its payload.
  static constexpr size_t kOverheadBytes = 1024;

 private:
  // Different pieces of data that make a flow.
  static constexpr int kPieces = 3;

  bool Follows(const Segment& segment) const;

  std::vector<Kept> kept_;
  size_t payload_bytes_ = 0;
  int pieces_ = 0;
  // By "from the high endpoint": where the sender is, by its own or its peer's word.
  std::optional<uint32_t> next_[2];
};

}  // namespace flowstitch

#endif  // FLOWSTITCH_REASSEMBLER_FLOWS_STRAY_RUN_H_
