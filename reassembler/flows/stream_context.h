// What a stream works with and does not own.
#ifndef FLOWSTITCH_REASSEMBLER_FLOWS_STREAM_CONTEXT_H_
#define FLOWSTITCH_REASSEMBLER_FLOWS_STREAM_CONTEXT_H_

#include "base/direction.h"
#include "base/ledger.h"
#include "reassembler/flows/delivered_window.h"
#include "reassembler/flows/stream_events.h"
#include "reassembler/flows/tcp_limits.h"

namespace flowstitch {

class TcpStream;

// Made for each call.
struct StreamContext {
  FlowId flow;
  Direction direction;
  const TcpLimits& limits;
  const TcpStream& peer;  // the other direction
  StreamEvents& events;
  ReassemblyLedger& ledger;
  size_t& all_waiting_bytes;  // memory of the pending bytes of all streams
  DeliveredWindow& delivered;
  TimeNs now_ns;    // that time-outs go by
  TimeNs stamp_ns;  // the highest capture time so far
  // Whether more of a segment that was cut off may still come.
  bool may_be_filled = true;
  bool rest_of_segment = false;  // what a longer copy has more: no question to the peer
};

}  // namespace flowstitch

#endif  // FLOWSTITCH_REASSEMBLER_FLOWS_STREAM_CONTEXT_H_
