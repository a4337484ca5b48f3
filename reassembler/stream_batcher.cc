#include "reassembler/stream_batcher.h"

#include <utility>

#include "base/frames/ip_header.h"
#include "reassembler/flows/community_id.h"

namespace flowstitch {
namespace {

// About what each kind of event takes on the wire, rounded up.
constexpr size_t kOpenedBytes = 200;
constexpr size_t kTunnelBytes = 48;
constexpr size_t kBytesBytes = 40;
constexpr size_t kGapBytes = 48;
constexpr size_t kConflictBytes = 128;
constexpr size_t kVlansBytes = 64;
constexpr size_t kClosedBytes = 300;
constexpr size_t kFrameBytes = 48;
// Room beyond the limit for the event that crosses it and for the batch's own fields.
constexpr size_t kHeadroomSlack = 4096;
// Room for the segment that crosses the limit of payload.
constexpr size_t kSegmentSlack = 64 << 10;
// So many times the limits hold where payload stays where it is: threads wake each other for each
// batch, whatever its size.
constexpr size_t kHandedBatches = 16;
constexpr size_t kHandedEvents = 4;

wire::Direction ToWire(Direction direction) {
  return direction == Direction::kClientToServer ? wire::CLIENT_TO_SERVER : wire::SERVER_TO_CLIENT;
}

// Numbered alike: a test compares all of them.
wire::OpenedBy ToWire(OpenedBy opened_by) { return static_cast<wire::OpenedBy>(opened_by); }
wire::GapReason ToWire(GapReason reason) { return static_cast<wire::GapReason>(reason); }
wire::CloseReason ToWire(CloseReason reason) { return static_cast<wire::CloseReason>(reason); }
wire::TunnelKind ToWire(TunnelKind kind) { return static_cast<wire::TunnelKind>(kind); }

template <typename Message>
void ToWire(const VlanTags& vlans, Message* out) {
  for (size_t i = 0; i < vlans.count; ++i) out->add_vlan(vlans.ids[i]);
  out->set_outer_8021q(vlans.outer_8021q);
}

void ToWire(const Tunnel& tunnel, wire::Tunnel* out) {
  out->set_kind(ToWire(tunnel.kind));
  out->set_id(tunnel.id);
  out->set_source_address(tunnel.source.wire().data(), tunnel.source.wire().size());
  out->set_destination_address(tunnel.destination.wire().data(), tunnel.destination.wire().size());
}

void ToWire(const StreamSummary& s, wire::StreamSummary* out) {
#define FLOWSTITCH_TO_WIRE(type, name, help) out->set_##name(s.name);
  FLOWSTITCH_STREAM_SUMMARY(FLOWSTITCH_TO_WIRE)
#undef FLOWSTITCH_TO_WIRE
}

}  // namespace

StreamBatcher::StreamBatcher(uint64_t epoch, uint32_t shard, uint16_t community_id_seed,
                             StreamBatcherLimits limits)
    : limits_(limits),
      epoch_(epoch),
      shard_(shard),
      community_id_seed_(community_id_seed),
      payload_(std::make_unique<CopiedPayload>(limits.event_bytes + kHeadroomSlack,
                                               limits.batch_bytes + kSegmentSlack)) {
  Reset();
}

void StreamBatcher::HandOver() {
  auto handed = std::make_unique<HandedPayload>();
  handed_ = handed.get();
  payload_ = std::move(handed);
  limits_.batch_bytes *= kHandedBatches;
  limits_.event_bytes *= kHandedEvents;
  Reset();
}

void StreamBatcher::ShareMemory(const MemoryBlocks& blocks) {
  limits_.batch_bytes = MemoryBlocks::kBlockBytes - kSegmentSlack;
  limits_.event_bytes *= kHandedEvents;
  payload_ = std::make_unique<SharedPayload>(blocks, limits_.event_bytes + kHeadroomSlack);
  handed_ = nullptr;
  Reset();
}

void StreamBatcher::set_frame_batch(std::shared_ptr<Delivery> batch) {
  if (handed_ != nullptr) handed_->set_frame_batch(std::move(batch));
}

void StreamBatcher::Reset() {
  batch_ = std::make_shared<HandedBatch>();
  payload_->Begin(batch_.get());
  fields_ = batch_->message->mutable_streams();
  fields_->set_reassembler_epoch(epoch_);
  fields_->set_shard(shard_);
  event_bytes_ = 0;
  payload_bytes_ = 0;
  waiting_since_ns_ = 0;
}

void StreamBatcher::AddPayload(ByteView bytes) {
  payload_->Add(bytes);
  payload_bytes_ += bytes.size();
}

wire::StreamEvent* StreamBatcher::Add(size_t event_bytes) {
  if (on_full_ && full()) on_full_();
  event_bytes_ += event_bytes;
  return fields_->add_events();
}

bool StreamBatcher::due(int64_t now_ns) {
  if (empty() && frames_taken_ == told_frames_taken_) return false;
  if (waiting_since_ns_ == 0) waiting_since_ns_ = now_ns;
  return now_ns - waiting_since_ns_ >= limits_.delay_ns;
}

void StreamBatcher::OnFlowOpened(const FlowInfo& flow) {
  wire::FlowOpened* out = Add(kOpenedBytes)->mutable_opened();
  out->set_flow(flow.id);
  out->set_client_address(flow.client.address.wire().data(), flow.client.address.wire().size());
  out->set_server_address(flow.server.address.wire().data(), flow.server.address.wire().size());
  out->set_client_port(flow.client.port);
  out->set_server_port(flow.server.port);
  out->set_first_time_ns(flow.first_time_ns);
  ToWire(flow.link.vlans, out);
  if (flow.link.has_macs) {
    out->set_client_mac(flow.link.source_mac.data(), flow.link.source_mac.size());
    out->set_server_mac(flow.link.destination_mac.data(), flow.link.destination_mac.size());
  }
  out->set_opened_by(ToWire(flow.opened_by));
  out->set_mid_stream(flow.mid_stream);
  out->set_unconfirmed(flow.unconfirmed);
  out->set_community_id(
      CommunityId(MakeFlowKey(flow.client, flow.server).key, flow.protocol, community_id_seed_));
  out->set_protocol(flow.protocol);
  for (size_t i = 0; i < flow.tunnels.depth; ++i) {
    ToWire(flow.tunnels.tunnels[i], out->add_tunnels());
    event_bytes_ += kTunnelBytes;
  }
  if (!flow.continued) return;
  out->set_continues(flow.continues);
  out->set_client_start_offset(flow.start_offset[0]);
  out->set_server_start_offset(flow.start_offset[1]);
}

void StreamBatcher::OnVlans(FlowId flow, Direction direction, const VlanTags& vlans) {
  wire::DirectionVlans* out = Add(kVlansBytes)->mutable_vlans();
  out->set_flow(flow);
  out->set_direction(ToWire(direction));
  ToWire(vlans, out);
}

void StreamBatcher::OnBytes(FlowId flow, Direction direction, uint64_t offset, ByteView bytes,
                            const BytesInfo& info) {
  wire::StreamBytes* out = Add(kBytesBytes)->mutable_bytes();
  out->set_flow(flow);
  out->set_direction(ToWire(direction));
  out->set_offset(offset);
  out->set_length(static_cast<uint32_t>(bytes.size()));
  out->set_time_ns(info.time_ns);
  if (info.acknowledged) out->set_acknowledged(*info.acknowledged);
  AddPayload(bytes);
}

void StreamBatcher::OnGap(FlowId flow, Direction direction, uint64_t offset, uint64_t length,
                          GapReason reason, TimeNs time_ns) {
  wire::StreamGap* out = Add(kGapBytes)->mutable_gap();
  out->set_flow(flow);
  out->set_direction(ToWire(direction));
  out->set_offset(offset);
  out->set_length(length);
  out->set_reason(ToWire(reason));
  out->set_time_ns(time_ns);
}

void StreamBatcher::OnConflict(FlowId flow, Direction direction, const Conflict& conflict,
                               TimeNs time_ns) {
  wire::StreamConflict* out = Add(kConflictBytes)->mutable_conflict();
  out->set_flow(flow);
  out->set_direction(ToWire(direction));
  out->set_offset(conflict.offset);
  out->set_length(conflict.length);
  out->set_kept(conflict.kept.data(), conflict.kept.size());
  out->set_dropped(conflict.dropped.data(), conflict.dropped.size());
  out->set_time_ns(time_ns);
}

void StreamBatcher::OnFlowClosed(FlowId flow, const FlowEnd& end) {
  wire::FlowClosed* out = Add(kClosedBytes)->mutable_closed();
  out->set_flow(flow);
  out->set_reason(ToWire(end.reason));
  out->set_time_ns(end.time_ns);
  ToWire(end.summaries[0], out->mutable_client_to_server());
  ToWire(end.summaries[1], out->mutable_server_to_client());
  out->set_history(end.history.data(), end.history.size());
}

void StreamBatcher::OnFrame(std::optional<FlowId> flow, Direction direction, const Frame& frame,
                            ByteView payload) {
  wire::FrameSeen* out = Add(kFrameBytes)->mutable_frame();
  if (flow) out->set_flow(*flow);
  out->set_direction(ToWire(direction));
  out->set_time_ns(frame.time_ns);
  out->set_link_type(frame.link_type);
  out->set_length(static_cast<uint32_t>(frame.bytes.size()));
  out->set_wire_length(frame.wire_length);
  if (!payload.empty()) {
    out->set_payload_offset(static_cast<uint32_t>(payload.data() - frame.bytes.data()));
    out->set_payload_length(static_cast<uint32_t>(payload.size()));
  }
  AddPayload(frame.bytes);
}

WireMessage StreamBatcher::Flush(uint64_t sequence) {
  fields_->set_frames_taken(frames_taken_);
  fields_->set_waiting_bytes(waiting_bytes_);
  tls_secrets_.MoveTo(fields_);
  told_frames_taken_ = frames_taken_;
  WireMessage message =
      payload_->Finish(sequence, std::move(batch_), kHeadroomSlack + event_bytes_);
  Reset();
  return message;
}

}  // namespace flowstitch
