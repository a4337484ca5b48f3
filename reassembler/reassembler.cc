#include "reassembler/reassembler.h"

namespace flowstitch {

Reassembler::Reassembler(const ReassemblyOptions& options, StreamEvents* events)
    : decoder_(options.decoder, &ledger_, this),
      tcp_(options.tcp, events, &ledger_, &flow_numbers_),
      udp_(options.udp, events, &ledger_, &flow_numbers_),
      with_udp_(options.decoder.udp) {}

void Reassembler::OnFrame(const Frame& frame) {
  clock_.Note(frame.time_ns);
  const TimeNs now_ns = clock_.now_ns();
  tcp_.Advance(now_ns, clock_.latest_ns());
  if (with_udp_) udp_.Advance(now_ns, clock_.latest_ns());
  decoder_.Decode(frame, now_ns);
}

void Reassembler::Finish() {
  tcp_.Finish();
  udp_.Finish();
}

}  // namespace flowstitch
