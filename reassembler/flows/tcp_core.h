// What all rules about connections work on: the tables, the time, the books.
#ifndef FLOWSTITCH_REASSEMBLER_FLOWS_TCP_CORE_H_
#define FLOWSTITCH_REASSEMBLER_FLOWS_TCP_CORE_H_

#include "base/ledger.h"
#include "reassembler/flows/delivered_window.h"
#include "reassembler/flows/flow_table.h"
#include "reassembler/flows/frame_recorder.h"
#include "reassembler/flows/timer_wheel.h"
#include "reassembler/frames/segment.h"

namespace flowstitch {

struct TcpCore {
  TcpCore(const TcpLimits& the_limits, StreamEvents* the_events, ReassemblyLedger* the_ledger,
          uint64_t* numbers, FrameRecorder* the_recorder)
      : limits(the_limits),
        events(the_events),
        ledger(*the_ledger),
        flow_numbers(*numbers),
        recorder(the_recorder),
        delivered(the_limits.conflict_window_bytes) {}

  // Each segment's payload is taken into the ledger exactly once.
  void Ignore(const Segment& segment, uint64_t ReassemblyLedger::*where) {
    ledger.*where += segment.tcp.payload.size();
  }
  StreamContext ContextOf(const Flow& flow, Direction direction) {
    const TcpStream& peer = flow.streams[Opposite(direction)];
    return {flow.id, direction,         limits,    peer,   *events,
            ledger,  all_waiting_bytes, delivered, now_ns, stamp_ns};
  }
  static Direction DirectionOf(const Flow& flow, const Segment& segment) {
    return segment.from_high == flow.client_is_high ? kClientToServer : kServerToClient;
  }
  // The flow is to be looked at then, if not earlier.
  void Remind(uint32_t flow_index, TimeNs when_ns) {
    Flow& flow = table.flow(flow_index);
    if (when_ns >= flow.reminded_ns) return;
    flow.reminded_ns = when_ns;
    wheel.Add(when_ns, {flow_index, table.flows().slab.generation(flow_index),
                        ++flow.reminder_serial, static_cast<uint8_t>(EntryKind::kFlow)});
  }

  const TcpLimits limits;
  StreamEvents* const events;
  ReassemblyLedger& ledger;
  uint64_t& flow_numbers;
  FrameRecorder* const recorder;  // may be null
  FlowTable table;
  TimerWheel wheel;
  DeliveredWindow delivered;
  TimeNs now_ns = kTimeMin;     // that time-outs go by
  TimeNs stamp_ns = kTimeMin;   // the highest capture time so far
  TimeNs latest_ns = kTimeMin;  // by the time of all sources
  size_t all_waiting_bytes = 0;
};

}  // namespace flowstitch

#endif  // FLOWSTITCH_REASSEMBLER_FLOWS_TCP_CORE_H_
