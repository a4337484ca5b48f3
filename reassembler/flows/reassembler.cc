#include "reassembler/flows/reassembler.h"

namespace flowstitch {
namespace {

UdpLimits UdpLimitsOf(const ReassemblyOptions& options) {
  UdpLimits limits = options.udp;
  limits.copy_window_ns = options.decoder.duplicates.window_ns;
  return limits;
}

}  // namespace

Reassembler::Reassembler(const ReassemblyOptions& options, StreamEvents* events)
    : flow_numbers_(FirstFlowNumber(options.shard)),
      recorder_(options.frames, events),
      with_frames_(options.frames.any()),
      decoder_(options.decoder, &ledger_, this),
      tcp_(options.tcp, events, &ledger_, &flow_numbers_, with_frames_ ? &recorder_ : nullptr),
      udp_(UdpLimitsOf(options), events, &ledger_, &flow_numbers_,
           with_frames_ ? &recorder_ : nullptr),
      with_udp_(options.decoder.udp) {}

void Reassembler::KeepPace(int64_t steady_ns) {
  if (!paced_) paced_.emplace(Paced{SourceClocks(clock_.now_ns()), clock_});
  paced_->sources.KeepPace(steady_ns);
}

PacketTimes Reassembler::NoteTime(const Frame& frame) {
  TimeNs time_ns = frame.time_ns;
  if (paced_) {
    paced_->stamps.Note(frame.time_ns);
    time_ns = paced_->sources.TimeOf(frame.source, frame.time_ns);
  }
  clock_.Note(time_ns);
  return {clock_.now_ns(), clock_.latest_ns(), stamp_ns()};
}

void Reassembler::OnFrame(const Frame& frame) {
  const PacketTimes times = NoteTime(frame);
  tcp_.Advance(times);
  if (with_udp_) udp_.Advance(times);
  if (!with_frames_) {
    decoder_.Decode(frame, times.now_ns);
    return;
  }
  recorder_.Begin(frame);
  decoder_.Decode(frame, times.now_ns);
  recorder_.End();
}

void Reassembler::Finish() {
  tcp_.Finish();
  udp_.Finish();
}

}  // namespace flowstitch
