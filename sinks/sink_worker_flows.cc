// What a worker does with the events of its flows: it holds them against the contract, goes on
// where an earlier sink stopped, and hands them to the writers.
#include <sys/stat.h>

#include <algorithm>
#include <string>
#include <utility>

#include "base/flow_id.h"
#include "sinks/sink_worker.h"
#include "sinks/streams/safe_file.h"

namespace flowstitch {
namespace {

// Reports of flows that never closed come last, in order of their ids.
constexpr uint64_t kUnclosedOrder = uint64_t{1} << 63;

Direction FromWire(wire::Direction direction) {
  return direction == wire::SERVER_TO_CLIENT ? kServerToClient : kClientToServer;
}

// Numbered alike. A number that this version does not know says nothing.
template <typename Fact>
Fact FactFromWire(int number, bool (*is_known)(int)) {
  return is_known(number) ? static_cast<Fact>(number) : Fact::kUnknown;
}

IpAddress ToAddress(const std::string& bytes) {
  const auto* p = reinterpret_cast<const uint8_t*>(bytes.data());
  if (bytes.size() == 16) return IpAddress::FromIpv6(p);
  if (bytes.size() == 4) return IpAddress::FromIpv4(p);
  return {};
}

// Offsets of a flow that goes on count from where the earlier one began.
uint64_t OffsetHere(uint64_t offset, uint64_t start) {
  return offset >= start ? offset - start : 0;
}

StreamSummary FromWire(const wire::StreamSummary& in) {
  StreamSummary summary;
#define FLOWSTITCH_FROM_WIRE(type, name, help) summary.name = in.name();
  FLOWSTITCH_STREAM_SUMMARY(FLOWSTITCH_FROM_WIRE)
#undef FLOWSTITCH_FROM_WIRE
  return summary;
}

// Of a FlowOpened or a DirectionVlans.
template <typename Event, typename Tagged>
void TakeVlans(const Event& event, Tagged* tagged) {
  tagged->vlan.assign(event.vlan().begin(), event.vlan().end());
  tagged->outer_8021q = event.outer_8021q();
}

uint64_t FileBytes(const std::string& path) {
  struct stat info = {};
  return !path.empty() && stat(path.c_str(), &info) == 0 ? static_cast<uint64_t>(info.st_size) : 0;
}

}  // namespace

void SinkWorker::OnEvent(const wire::StreamEvent& event, const EventRef& ref, BatchHold* hold) {
  switch (event.event_case()) {
    case wire::StreamEvent::kOpened:
      OnOpened(event.opened());
      break;
    case wire::StreamEvent::kVlans:
      if (SinkFlow* flow = Find(event.vlans().flow())) OnVlans(*flow, event.vlans());
      break;
    case wire::StreamEvent::kBytes:
      OnBytes(event.bytes(), ref.payload, hold);
      break;
    case wire::StreamEvent::kGap:
      OnGap(event.gap());
      break;
    case wire::StreamEvent::kConflict:
      OnConflict(event.conflict());
      break;
    case wire::StreamEvent::kClosed:
      OnClosed(event.closed(), ref.close_order);
      break;
    case wire::StreamEvent::kFrame:
      OnFrame(event.frame(), ref.payload);
      break;
    case wire::StreamEvent::EVENT_NOT_SET:
      break;
  }
}

void SinkWorker::OnFrame(const wire::FrameSeen& event, ByteView bytes) {
  FrameRecord record;
  record.bytes = bytes;
  record.payload = bytes.subspan(event.payload_offset(), event.payload_length());
  record.time_ns = event.time_ns();
  record.link_type = event.link_type();
  record.wire_length = event.wire_length();
  record.of_flow = event.has_flow();
  record.flow_id = event.flow();
  record.direction = FromWire(event.direction());
  SinkFlow* flow = event.has_flow() ? Find(event.flow()) : nullptr;
  for (const auto& writer : writers_) writer->OnFrame(flow, record);
}

void SinkWorker::OnOpened(const wire::FlowOpened& event) {
  auto flow = std::make_unique<SinkFlow>();
  flow->id = event.flow();
  flow->number = NumberOfFlow(event.flow());
  flow->client = {ToAddress(event.client_address()), static_cast<uint16_t>(event.client_port())};
  flow->server = {ToAddress(event.server_address()), static_cast<uint16_t>(event.server_port())};
  flow->first_time_ns = event.first_time_ns();
  TakeVlans(event, flow.get());
  for (SinkStream& stream : flow->streams) TakeVlans(event, &stream);
  flow->client_mac = event.client_mac();
  flow->server_mac = event.server_mac();
  flow->community_id = event.community_id();
  flow->opened_by = FactFromWire<OpenedBy>(event.opened_by(), wire::OpenedBy_IsValid);
  flow->mid_stream = event.mid_stream();
  flow->unconfirmed = event.unconfirmed();
  if (event.protocol() != 0) flow->protocol = static_cast<uint8_t>(event.protocol());
  for (const wire::Tunnel& tunnel : event.tunnels()) {
    flow->tunnels.push_back({FactFromWire<TunnelKind>(tunnel.kind(), wire::TunnelKind_IsValid),
                             tunnel.id(), ToAddress(tunnel.source_address()),
                             ToAddress(tunnel.destination_address())});
  }
  if (event.has_continues()) {
    flow->continues = event.continues();
    flow->start_offset = {event.client_start_offset(), event.server_start_offset()};
  }
  journal_.Opened(epoch_, event);
  Restore(*flow);
  for (const auto& writer : writers_) writer->OnOpened(*flow);
  flows_[event.flow()] = std::move(flow);
}

void SinkWorker::OnVlans(SinkFlow& flow, const wire::DirectionVlans& event) {
  SinkStream& stream = flow.streams[FromWire(event.direction())];
  if (stream.bytes > 0) return;  // it has its name already
  TakeVlans(event, &stream);
  journal_.Vlans(event);
}

// A flow that an earlier sink began has its names already.
void SinkWorker::Restore(SinkFlow& flow) {
  if (options_.left == nullptr) return;
  const auto it = options_.left->find(flow.id);
  if (it == options_.left->end() || it->second.epoch != epoch_) return;
  taken_up_.insert(flow.id);
  if (it->second.vlans) OnVlans(flow, *it->second.vlans);
  for (const Direction d : kDirections) {
    const std::string& name = it->second.names[d];
    if (name.empty()) continue;
    names_.Restore(flow, d, name);
    journal_.Named(flow.id, d, name);
  }
}

SinkFlow* SinkWorker::Find(uint64_t id) {
  const auto known = flows_.find(id);
  if (known != flows_.end()) return known->second.get();
  if (options_.left == nullptr || taken_up_.contains(id)) return nullptr;
  const auto it = options_.left->find(id);
  if (it == options_.left->end() || it->second.epoch != epoch_ || it->second.closed) return nullptr;
  OnOpened(it->second.opened);
  SinkFlow* flow = flows_[id].get();
  for (SinkStream& stream : flow->streams) stream.resumes = true;
  return flow;
}

// What came before `offset` was written by the earlier sink. The other writers read it from there.
void SinkWorker::Resume(SinkFlow& flow, Direction direction, uint64_t offset) {
  SinkStream& stream = flow.streams[direction];
  stream.resumes = false;
  stream.length = stream.known = offset;
  stream.bytes = offset;
  if (offset == 0) return;
  stream.first_byte_ns = flow.first_time_ns;
  files_->Resume(flow, direction, offset);
  if (stream.path.empty()) return;
  journal_status_.Update(ReadPrefix(stream.path, offset, [&](uint64_t at, ByteView bytes) {
    for (const auto& writer : writers_) {
      if (writer.get() == files_) continue;
      writer->OnBytes(flow, direction, at, bytes, flow.first_time_ns, hold_);
    }
  }));
}

void SinkWorker::OnBytes(const wire::StreamBytes& event, ByteView bytes, BatchHold* hold) {
  SinkFlow* const found = Find(event.flow());
  if (found == nullptr) {
    ledger_.refused_bytes += bytes.size();
    return;
  }
  SinkFlow& flow = *found;
  const Direction direction = FromWire(event.direction());
  SinkStream& stream = flow.streams[direction];
  uint64_t offset = OffsetHere(event.offset(), flow.start_offset[direction]);
  if (stream.resumes) Resume(flow, direction, offset);
  // The contract: in order, nothing twice, every hole announced as a gap. What contradicts it is
  // not used.
  if (offset > stream.known) {
    ledger_.refused_bytes += bytes.size();
    return;
  }
  const size_t seen =
      std::min<size_t>(bytes.size(), stream.length > offset ? stream.length - offset : 0);
  ledger_.refused_bytes += seen;
  bytes = bytes.subspan(seen);
  offset += seen;
  // Of an empty event too: a stream does not go back.
  if (bytes.empty() && (seen > 0 || offset < stream.length)) return;
  if (stream.bytes == 0) stream.first_byte_ns = event.time_ns();
  stream.bytes += bytes.size();
  ledger_.stream_bytes_received += bytes.size();
  if (journal_.kept() && stream.name.empty()) {
    names_.Name(flow, direction);
    journal_.Named(flow.id, direction, stream.name);
    // Before its file is there.
    if (bytes.size() >= options_.files.write_from_bytes) journal_status_.Update(journal_.Flush());
  }
  stream.acknowledged.reset();
  if (event.has_acknowledged()) {
    stream.acknowledged = OffsetHere(event.acknowledged(), flow.start_offset[Opposite(direction)]);
  }
  for (const auto& writer : writers_) {
    writer->OnBytes(flow, direction, offset, bytes, event.time_ns(), hold);
  }
  stream.length = stream.known = offset + bytes.size();
}

void SinkWorker::OnGap(const wire::StreamGap& event) {
  SinkFlow* const flow = Find(event.flow());
  if (flow == nullptr) {
    ++ledger_.refused_gaps;
    return;
  }
  const Direction direction = FromWire(event.direction());
  SinkStream& stream = flow->streams[direction];
  if (stream.resumes) {
    Resume(*flow, direction, OffsetHere(event.offset(), flow->start_offset[direction]));
  }
  const GapRecord gap{OffsetHere(event.offset(), flow->start_offset[direction]), event.length(),
                      FactFromWire<GapReason>(event.reason(), wire::GapReason_IsValid),
                      event.time_ns()};
  if (gap.offset != stream.known || gap.length > kMaxGapBytes) {
    ++ledger_.refused_gaps;
    return;
  }
  stream.known += gap.length;
  records_.Gap(*flow, direction, gap);
  for (const auto& writer : writers_) {
    writer->OnGap(*flow, direction, gap);
  }
}

void SinkWorker::OnConflict(const wire::StreamConflict& event) {
  SinkFlow* const flow = Find(event.flow());
  if (flow == nullptr) return;
  const Direction direction = FromWire(event.direction());
  records_.Conflict(*flow, direction,
                    {OffsetHere(event.offset(), flow->start_offset[direction]), event.length(),
                     event.kept(), event.dropped(), event.time_ns()});
}

void SinkWorker::OnClosed(const wire::FlowClosed& event, uint64_t order) {
  SinkFlow* const found = Find(event.flow());
  if (found == nullptr) {
    records_.Missing(order);
    return;
  }
  SinkFlow& flow = *found;
  flow.close_reason = FactFromWire<CloseReason>(event.reason(), wire::CloseReason_IsValid);
  flow.closed_ns = event.time_ns();
  flow.history = event.history();
  flow.streams[kClientToServer].summary = FromWire(event.client_to_server());
  flow.streams[kServerToClient].summary = FromWire(event.server_to_client());
  for (const Direction d : kDirections) {
    SinkStream& stream = flow.streams[d];
    // Nothing came of it any more: what there is of it is in its file.
    if (stream.resumes) Resume(flow, d, FileBytes(stream.path));
  }
  journal_status_.Update(journal_.Flush());  // before its files are there
  flow.close_order = order;
  CloseFlow(flow);
  journal_.Closed(flow.id);
  NoteFailure(OwnStatus());
  if (!failed_) flows_.erase(event.flow());
}

void SinkWorker::CloseFlow(SinkFlow& flow) {
  flow.closed = true;
  for (const auto& writer : writers_) writer->OnClosed(flow);
  records_.Closed(flow);
}

void SinkWorker::CloseAllFlows(std::optional<uint32_t> shard) {
  std::vector<SinkFlow*> open;
  for (const auto& [id, flow] : flows_) {
    if (!shard || ShardOfFlow(id) == *shard) open.push_back(flow.get());
  }
  std::sort(open.begin(), open.end(), [](const auto* a, const auto* b) { return a->id < b->id; });
  for (SinkFlow* flow : open) {
    flow->close_reason = CloseReason::kReassemblerLost;
    for (SinkStream& stream : flow->streams) {
      stream.summary.bytes = stream.length;
      stream.summary.first_time_ns = flow->first_time_ns;
      stream.summary.last_time_ns = flow->first_time_ns;
    }
    flow->close_order = kUnclosedOrder + flow->id;
    CloseFlow(*flow);
  }
  NoteFailures();
  if (failed_) return;
  absl::erase_if(flows_, [](const auto& pair) { return pair.second->closed; });
}

}  // namespace flowstitch
