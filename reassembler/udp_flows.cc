#include "reassembler/udp_flows.h"

#include <algorithm>
#include <utility>

namespace flowstitch {

UdpFlows::UdpFlows(const UdpLimits& limits, StreamEvents* events, ReassemblyLedger* ledger,
                   uint64_t* flow_numbers, FrameRecorder* recorder)
    : limits_(limits),
      events_(events),
      ledger_(*ledger),
      flow_numbers_(*flow_numbers),
      recorder_(recorder) {}

void UdpFlows::Advance(const PacketTimes& times) {
  times_ = times;
  while (flows_.by_silence.oldest() != Slab<UdpFlow>::kNone) {
    const uint32_t oldest = flows_.by_silence.oldest();
    // Of a stamp that nothing confirmed: it must not keep those behind it.
    TimeNs& last_ns = flows_.slab[oldest].last_time_ns;
    if (last_ns > times.latest_ns) last_ns = times.now_ns;
    if (times.now_ns < AddNs(last_ns, limits_.idle_timeout_ns)) return;
    Close(oldest, CloseReason::kIdle);
  }
}

uint32_t UdpFlows::Open(const UdpDatagram& datagram) {
  if (flows_.slab.size() >= limits_.flows) {
    ++ledger_.flows_evicted;
    Close(flows_.by_silence.oldest(), CloseReason::kEvicted);
  }
  const uint32_t index = flows_.slab.New();
  UdpFlow& flow = flows_.slab[index];
  flow.key = datagram.key;
  flow.id = MakeFlowId(flow_numbers_++, datagram.key);
  flow.client_is_high = datagram.from_high;
  flows_.by_silence.PushNewest(flows_.slab, index);
  by_key_[datagram.key] = index;
  ++ledger_.flows_opened;
  FlowInfo info;
  info.id = flow.id;
  info.protocol = datagram.key.protocol;
  info.client = datagram.from_high ? datagram.key.high : datagram.key.low;
  info.server = datagram.from_high ? datagram.key.low : datagram.key.high;
  info.first_time_ns = datagram.time_ns;
  info.link = *datagram.link;
  info.tunnels = *datagram.tunnels;
  info.opened_by = OpenedBy::kGuess;
  events_->OnFlowOpened(info);
  return index;
}

void UdpFlows::OnDatagram(const UdpDatagram& datagram) {
  const auto found = by_key_.find(datagram.key);
  if (found == by_key_.end() && datagram.opens_no_flow) {
    ledger_.unopened_bytes += datagram.payload.size();
    return;
  }
  const uint32_t index = found != by_key_.end() ? found->second : Open(datagram);
  UdpFlow& flow = flows_.slab[index];
  flows_.by_silence.Remove(flows_.slab, index);
  flows_.by_silence.PushNewest(flows_.slab, index);
  flow.last_time_ns = times_.latest_ns;
  const bool by_client = datagram.from_high == flow.client_is_high;
  const auto direction =
      by_client ? StreamDirection::kClientToServer : StreamDirection::kServerToClient;
  if (recorder_ != nullptr) recorder_->Claim(flow.id, direction, datagram, datagram.payload);
  StreamSummary& summary = flow.summaries[static_cast<size_t>(direction)];
  if (summary.packets == 0) summary.first_time_ns = summary.last_time_ns = datagram.time_ns;
  ++summary.packets;
  summary.wire_bytes += datagram.wire_length;
  summary.captured_bytes += datagram.captured_length;
  summary.first_time_ns = std::min(summary.first_time_ns, datagram.time_ns);
  summary.last_time_ns = std::max(summary.last_time_ns, datagram.time_ns);
  flow.history.Add(by_client, 'D');
  const size_t size = datagram.payload.size();
  events_->OnBytes(flow.id, direction, summary.bytes, datagram.payload, datagram.time_ns);
  summary.bytes += size;
  ledger_.delivered_bytes += size;
  ledger_.stream_bytes += size;
  if (datagram.truncated == 0) return;
  events_->OnGap(flow.id, direction, summary.bytes, datagram.truncated, GapReason::kTruncated,
                 datagram.time_ns);
  flow.history.Add(by_client, 'G');
  summary.bytes += datagram.truncated;
  summary.gap_bytes += datagram.truncated;
  summary.truncated_bytes += datagram.truncated;
  ++summary.gaps;
  ++ledger_.gaps;
  ledger_.gap_bytes += datagram.truncated;
  ledger_.truncated_bytes += datagram.truncated;
  ledger_.stream_bytes += datagram.truncated;
}

void UdpFlows::Close(uint32_t index, CloseReason reason) {
  UdpFlow& flow = flows_.slab[index];
  FlowEnd end;
  end.reason = reason;
  end.time_ns = times_.stamp_ns;
  end.summaries = flow.summaries;
  end.history = flow.history.text();
  events_->OnFlowClosed(flow.id, end);
  ++ledger_.flows_closed;
  by_key_.erase(flow.key);
  flows_.by_silence.Remove(flows_.slab, index);
  flows_.slab.Delete(index);
}

void UdpFlows::Finish() {
  while (flows_.by_silence.oldest() != Slab<UdpFlow>::kNone) {
    Close(flows_.by_silence.oldest(), CloseReason::kOpenAtEnd);
  }
}

}  // namespace flowstitch
