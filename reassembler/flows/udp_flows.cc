#include "reassembler/flows/udp_flows.h"

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
  ReleaseDue();
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
  flow.vlans = datagram.link->vlans;
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
  if (datagram.longer_than != 0) {
    Lengthen(flow, datagram);
    return;
  }
  flows_.by_silence.Remove(flows_.slab, index);
  flows_.by_silence.PushNewest(flows_.slab, index);
  flow.last_time_ns = times_.latest_ns;
  const bool by_client = datagram.from_high == flow.client_is_high;
  const auto direction = by_client ? kClientToServer : kServerToClient;
  if (recorder_ != nullptr) recorder_->Claim(flow.id, direction, datagram, datagram.payload);
  StreamSummary& summary = flow.summaries[direction];
  if (summary.packets == 0) {
    summary.first_time_ns = summary.last_time_ns = datagram.time_ns;
    if (datagram.link->vlans != flow.vlans) {
      events_->OnVlans(flow.id, direction, datagram.link->vlans);
    }
  }
  ++summary.packets;
  summary.wire_bytes += datagram.wire_length;
  summary.captured_bytes += datagram.captured_length;
  summary.first_time_ns = std::min(summary.first_time_ns, datagram.time_ns);
  summary.last_time_ns = std::max(summary.last_time_ns, datagram.time_ns);
  flow.history.Add(by_client, 'D');
  const bool may_grow = datagram.truncated > 0 && datagram.digest != 0 && datagram.may_be_filled;
  if (may_grow || flow.waiting != nullptr) {
    Wait(index, direction, datagram);
  } else {
    Deliver(flow, direction, datagram.payload, datagram.truncated, datagram.time_ns);
  }
}

void UdpFlows::Deliver(UdpFlow& flow, Direction direction, ByteView payload, uint32_t truncated,
                       TimeNs time_ns) {
  StreamSummary& summary = flow.summaries[direction];
  events_->OnBytes(flow.id, direction, summary.bytes, payload, {time_ns, std::nullopt});
  summary.bytes += payload.size();
  ledger_.delivered_bytes += payload.size();
  ledger_.stream_bytes += payload.size();
  if (truncated == 0) return;
  events_->OnGap(flow.id, direction, summary.bytes, truncated, GapReason::kTruncated, time_ns);
  flow.history.Add(direction == kClientToServer, 'G');
  summary.bytes += truncated;
  summary.gap_bytes += truncated;
  summary.truncated_bytes += truncated;
  ++summary.gaps;
  ++ledger_.gaps;
  ledger_.gap_bytes += truncated;
  ledger_.truncated_bytes += truncated;
  ledger_.stream_bytes += truncated;
}

void UdpFlows::Wait(uint32_t index, Direction direction, const UdpDatagram& datagram) {
  UdpFlow& flow = flows_.slab[index];
  if (flow.waiting == nullptr) flow.waiting = std::make_unique<std::deque<Waiting>>();
  const uint64_t digest = datagram.truncated > 0 && datagram.may_be_filled ? datagram.digest : 0;
  flow.waiting->push_back({direction,
                           {datagram.payload.begin(), datagram.payload.end()},
                           datagram.truncated,
                           digest,
                           datagram.time_ns,
                           times_.now_ns});
  ledger_.waiting_bytes += datagram.payload.size();
  flow.waiting_bytes += datagram.payload.size() + kWaitingOverhead;
  waiting_bytes_ += datagram.payload.size() + kWaitingOverhead;
  if (digest != 0) Remind(index, times_.now_ns);
  const bool full =
      flow.waiting_bytes > limits_.flow_waiting_bytes || waiting_bytes_ > limits_.waiting_bytes;
  if (full) Release(flow, true);
}

// What a longer copy has more; nobody waits for it where it comes late.
void UdpFlows::Lengthen(UdpFlow& flow, const UdpDatagram& datagram) {
  const auto known = std::min<size_t>(datagram.known, datagram.payload.size());
  const ByteView more = datagram.payload.subspan(known);
  ledger_.payload_bytes -= known;  // the shorter copy's count
  if (flow.waiting != nullptr) {
    for (Waiting& waiting : *flow.waiting) {
      if (waiting.digest != datagram.longer_than || waiting.payload.size() != known) continue;
      waiting.payload.insert(waiting.payload.end(), more.begin(), more.end());
      waiting.truncated = datagram.truncated;
      waiting.digest = datagram.truncated > 0 ? datagram.digest : 0;
      ledger_.waiting_bytes += more.size();
      flow.waiting_bytes += more.size();
      waiting_bytes_ += more.size();
      Release(flow, false);
      return;
    }
  }
  StreamSummary& summary = flow.summaries[datagram.from_high == flow.client_is_high ? 0 : 1];
  summary.late_bytes += more.size();
  ledger_.late_bytes += more.size();
}

void UdpFlows::Release(UdpFlow& flow, bool all) {
  const TimeNs due_ns = AddNs(times_.now_ns, -limits_.copy_window_ns);
  while (flow.waiting != nullptr) {
    Waiting& first = flow.waiting->front();
    if (!all && first.digest != 0 && first.since_ns >= due_ns) return;
    ledger_.waiting_bytes -= first.payload.size();
    flow.waiting_bytes -= first.payload.size() + kWaitingOverhead;
    waiting_bytes_ -= first.payload.size() + kWaitingOverhead;
    Deliver(flow, first.direction, first.payload, first.truncated, first.time_ns);
    flow.waiting->pop_front();
    if (flow.waiting->empty()) flow.waiting.reset();
  }
}

void UdpFlows::ReleaseDue() {
  const TimeNs due_ns = AddNs(times_.now_ns, -limits_.copy_window_ns);
  while (!reminders_.empty() && reminders_.front().since_ns < due_ns) {
    const Reminder reminder = reminders_.front();
    reminders_.pop_front();
    if (!flows_.slab.Is(reminder.index, reminder.generation)) continue;
    UdpFlow& flow = flows_.slab[reminder.index];
    flow.reminded = false;
    Release(flow, false);
    if (flow.waiting != nullptr) Remind(reminder.index, flow.waiting->front().since_ns);
  }
}

// One at a time: datagrams may come without end while no time goes by.
void UdpFlows::Remind(uint32_t index, TimeNs since_ns) {
  UdpFlow& flow = flows_.slab[index];
  if (flow.reminded) return;
  flow.reminded = true;
  reminders_.push_back({index, flows_.slab.generation(index), since_ns});
}

void UdpFlows::Close(uint32_t index, CloseReason reason) {
  UdpFlow& flow = flows_.slab[index];
  Release(flow, true);
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
