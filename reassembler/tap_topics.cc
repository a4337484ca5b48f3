#include "reassembler/tap_topics.h"

#include <map>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/frames/ip_header.h"
#include "transport/link/stream_event.h"
#include "transport/tap.h"

namespace flowstitch {
namespace {

constexpr size_t kHeadroomBytes = 1024;

}  // namespace

std::string TapTopics::NameOf(Topic topic) const {
  const uint32_t protocol = topic >> 16;
  std::string name(kStreamTopic);
  if (topic == 0) {
    absl::StrAppend(&name, "none.0.", shard_);
  } else {
    absl::StrAppend(&name,
                    protocol == kProtocolTcp   ? "tcp"
                    : protocol == kProtocolUdp ? "udp"
                                               : absl::StrCat(protocol),
                    ".", topic & 0xffff, ".", shard_);
  }
  return name;
}

TapTopics::Topic TapTopics::TopicOf(const wire::StreamEvent& event) {
  if (event.has_frame() && !event.frame().has_flow()) return 0;
  const uint64_t flow = FlowOf(event);
  if (event.has_opened()) {
    const Topic topic = event.opened().protocol() << 16 | (event.opened().server_port() & 0xffff);
    open_[flow] = topic;
    return topic;
  }
  const auto it = open_.find(flow);
  if (it == open_.end()) return 0;  // a frame behind its flow's end
  const Topic topic = it->second;
  if (event.has_closed()) open_.erase(it);
  return topic;
}

void TapTopics::Split(const wire::StreamBatch& batch, ByteView payload, const Publisher& publish) {
  std::map<Topic, Part> parts;
  size_t at = 0;
  for (const wire::StreamEvent& event : batch.events()) {
    const size_t length = PayloadBytes(event);
    Part& part = parts[TopicOf(event)];
    *part.fields.add_events() = event;
    if (length == 0) continue;
    part.payload.push_back(payload.subspan(at, length));
    part.payload_bytes += length;
    at += length;
  }
  for (auto& [topic, part] : parts) Publish(topic, &part, batch, publish);
}

void TapTopics::Publish(Topic topic, Part* part, const wire::StreamBatch& batch,
                        const Publisher& publish) {
  part->fields.set_reassembler_epoch(batch.reassembler_epoch());
  part->fields.set_shard(batch.shard());
  part->fields.set_time_ns(batch.time_ns());
  part->fields.set_topic_sequence(++published_[topic]);
  *part->fields.mutable_tls_secrets() = batch.tls_secrets();
  BlobBuffer buffer(kHeadroomBytes + part->fields.ByteSizeLong(), part->payload_bytes);
  for (const ByteView piece : part->payload) buffer.Append(piece);
  WireMessage message;
  buffer.Finish(0, wire::LinkMessage::kStreamsFieldNumber, part->fields, &message);
  publish(NameOf(topic), message);
}

}  // namespace flowstitch
