// Which flow each frame became part of, for those who want the frames themselves: a capture file a
// flow, the frames that no flow used, payload in the order of its arrival. Off, it costs nothing.
#ifndef FLOWSTITCH_REASSEMBLER_FLOWS_FRAME_RECORDER_H_
#define FLOWSTITCH_REASSEMBLER_FLOWS_FRAME_RECORDER_H_

#include <optional>
#include <vector>

#include "base/frame.h"
#include "reassembler/flows/stream_events.h"
#include "reassembler/frames/segment.h"

namespace flowstitch {

// What is told of frames.
struct FrameChoice {
  bool of_flows = false;  // frames that became part of a flow
  bool others = false;    // frames that became part of none
  bool any() const { return of_flows || others; }
};

// Frames of a connection attempt, until it becomes a flow or is forgotten.
struct HeldFrame {
  std::vector<uint8_t> bytes;
  Frame frame;  // without the bytes
  bool from_high = false;
  size_t payload_offset = 0;
  size_t payload_length = 0;
};
using HeldFrames = std::vector<HeldFrame>;

class FrameRecorder {
 public:
  // `events` outlives the recorder.
  FrameRecorder(const FrameChoice& choice, StreamEvents* events)
      : choice_(choice), events_(events) {}

  // Around the decoding of each frame.
  void Begin(const Frame& frame);
  void End();

  // The frame that brought this became part of a flow.
  void Claim(FlowId flow, Direction direction, const Passage& passage, ByteView payload);
  // The frame repeats one of another source: it is told no second time.
  void NoteCopy() { claimed_ = true; }
  bool claimed() const { return claimed_; }
  // The frame belongs to a connection attempt.
  void Hold(const Passage& passage, ByteView payload, HeldFrames* held);
  // The attempt became a flow, or nothing came of it.
  void GiveToFlow(FlowId flow, bool client_is_high, HeldFrames* held);
  void GiveUp(HeldFrames* held);

  // Frames held for one attempt, and bytes held for all of them; beyond, they are part of no flow.
  static constexpr size_t kMaxHeldFrames = 8;
  static constexpr size_t kMaxHeldBytes = size_t{64} << 20;

 private:
  // The frame, and where its payload lies. A rebuilt datagram lies in no frame: it is put behind
  // the link layer of its last fragment's frame.
  Frame FrameOf(const Passage& passage, ByteView payload, size_t* payload_offset);

  const FrameChoice choice_;
  StreamEvents* const events_;
  Frame frame_;
  bool claimed_ = false;
  size_t held_bytes_ = 0;
  std::vector<uint8_t> rebuilt_;
};

}  // namespace flowstitch

#endif  // FLOWSTITCH_REASSEMBLER_FLOWS_FRAME_RECORDER_H_
