#include "tests/support/event_recorder.h"

namespace flowstitch::testing {

void EventRecorder::OnFlowOpened(const FlowInfo& flow) {
  index_[flow.id] = flows.size();
  flows.emplace_back();
  flows.back().info = flow;
  for (size_t d : {0u, 1u}) flows.back().streams[d].next = flow.start_offset[d];
}

void EventRecorder::OnVlans(FlowId flow, Direction direction, const VlanTags& vlans) {
  Of(flow).other_vlans = {direction, vlans};
}

void EventRecorder::OnBytes(FlowId flow, Direction direction, uint64_t offset, ByteView bytes,
                            const BytesInfo& info) {
  RecordedStream& stream = Of(flow).streams[direction];
  stream.in_order &= offset == stream.next;
  stream.next = offset + bytes.size();
  if (!bytes.empty()) stream.acknowledged[offset] = info.acknowledged;
  offset -= Of(flow).info.start_offset[direction];
  if (stream.bytes.size() < offset) stream.bytes.resize(offset);
  stream.pieces.push_back(bytes.size());
  stream.bytes.append(AsText(bytes));
}

void EventRecorder::OnGap(FlowId flow, Direction direction, uint64_t offset, uint64_t length,
                          GapReason reason, TimeNs /*time_ns*/) {
  RecordedStream& stream = Of(flow).streams[direction];
  stream.in_order &= offset == stream.next;
  stream.next = offset + length;
  stream.gaps.push_back({offset, length, reason});
}

void EventRecorder::OnConflict(FlowId flow, Direction /*direction*/, const Conflict& conflict,
                               TimeNs /*time_ns*/) {
  Of(flow).conflicts.push_back({conflict.offset, conflict.length,
                                std::string(AsText(conflict.kept)),
                                std::string(AsText(conflict.dropped))});
}

void EventRecorder::OnFlowClosed(FlowId flow, const FlowEnd& end) {
  Of(flow).close_reason = end.reason;
  Of(flow).summaries = end.summaries;
  Of(flow).history = end.history;
}

Outcome Reassemble(const std::vector<CapturedPacket>& packets, const TcpLimits& limits) {
  ReassemblyOptions options;
  options.tcp = limits;
  return Reassemble(packets, options);
}

Outcome Reassemble(const std::vector<CapturedPacket>& packets, const ReassemblyOptions& options) {
  Outcome outcome;
  Reassembler reassembler(options, &outcome.events);
  for (const CapturedPacket& packet : packets) reassembler.OnFrame(packet.frame());
  reassembler.Finish();
  outcome.ledger = reassembler.ledger();
  return outcome;
}

}  // namespace flowstitch::testing
