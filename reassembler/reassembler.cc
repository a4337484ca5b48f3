#include "reassembler/reassembler.h"

#include <algorithm>

namespace flowstitch {

Reassembler::Reassembler(const ReassemblyOptions& options, StreamEvents* events)
    : decoder_(options.decoder, &ledger_, this),
      tcp_(options.tcp, events, &ledger_, &flow_numbers_),
      udp_(options.udp, events, &ledger_, &flow_numbers_),
      with_udp_(options.decoder.udp) {}

void Reassembler::OnFrame(const Frame& frame) {
  now_ns_ = std::max(now_ns_, frame.time_ns);
  tcp_.Advance(now_ns_);
  if (with_udp_) udp_.Advance(now_ns_);
  decoder_.Decode(frame, now_ns_);
}

void Reassembler::Finish() {
  tcp_.Finish();
  udp_.Finish();
}

}  // namespace flowstitch
