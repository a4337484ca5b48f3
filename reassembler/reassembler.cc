#include "reassembler/reassembler.h"

namespace flowstitch {

Reassembler::Reassembler(const ReassemblyOptions& options, StreamEvents* events)
    : flow_numbers_(FirstFlowNumber(options.shard)),
      recorder_(options.frames, events),
      with_frames_(options.frames.any()),
      decoder_(options.decoder, &ledger_, this),
      tcp_(options.tcp, events, &ledger_, &flow_numbers_, with_frames_ ? &recorder_ : nullptr),
      udp_(options.udp, events, &ledger_, &flow_numbers_, with_frames_ ? &recorder_ : nullptr),
      with_udp_(options.decoder.udp) {}

void Reassembler::OnFrame(const Frame& frame) {
  clock_.Note(frame.time_ns);
  const TimeNs now_ns = clock_.now_ns();
  tcp_.Advance(now_ns, clock_.latest_ns());
  if (with_udp_) udp_.Advance(now_ns, clock_.latest_ns());
  if (!with_frames_) {
    decoder_.Decode(frame, now_ns);
    return;
  }
  recorder_.Begin(frame);
  decoder_.Decode(frame, now_ns);
  recorder_.End();
}

void Reassembler::Finish() {
  tcp_.Finish();
  udp_.Finish();
}

}  // namespace flowstitch
