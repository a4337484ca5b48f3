#include "transport/link/shared_batch.h"

#include <utility>

#include "transport/link/blob_message.h"

namespace flowstitch {
namespace {

// Beyond the fields, for what stands around them.
constexpr size_t kHeadroomSlack = 64;

}  // namespace

WireMessage::WireMessage(std::shared_ptr<const SharedBatch> batch, size_t size)
    : bytes_(AsBytes(batch->bytes)), shared_(batch.get()), size_(size) {
  owner_ = std::move(batch);
}

WireMessage ShareBatch(wire::LinkMessage* message, ByteView payload, const SharedMemory& memory,
                       std::shared_ptr<const void> owner) {
  wire::SharedBytes* place = message->has_packets()
                                 ? message->mutable_packets()->mutable_shared_frames()
                                 : message->mutable_streams()->mutable_shared_payload();
  place->set_memory(memory.id());
  place->set_offset(memory.OffsetOf(payload));
  place->set_length(payload.size());
  auto batch = std::make_shared<SharedBatch>();
  batch->bytes = message->SerializeAsString();
  batch->payload = payload;
  batch->owner = std::move(owner);
  const size_t size = batch->bytes.size() + SharedMemory::kBlockBytes;
  return {std::move(batch), size};
}

WireMessage WithPayload(const SharedBatch& batch) {
  wire::LinkMessage message;
  message.ParseFromString(batch.bytes);
  BlobBuffer payload(batch.bytes.size() + kHeadroomSlack, batch.payload.size());
  if (message.has_streams()) {
    message.mutable_streams()->clear_shared_payload();
    payload.Append(batch.payload);
    return payload.Finish(message.sequence(), wire::LinkMessage::kStreamsFieldNumber,
                          message.streams(), nullptr);
  }
  wire::PacketBatch* fields = message.mutable_packets();
  for (int i = 0; i < fields->frame_offset_size(); ++i) {
    payload.Append(batch.payload.subspan(fields->frame_offset(i), fields->captured_length(i)));
  }
  fields->clear_shared_frames();
  fields->clear_frame_offset();
  return payload.Finish(message.sequence(), wire::LinkMessage::kPacketsFieldNumber, *fields,
                        nullptr);
}

absl::StatusOr<std::optional<ByteView>> FindPayload(const wire::LinkMessage& message,
                                                    const SharedMemories& memories) {
  const wire::SharedBytes* place = nullptr;
  if (message.has_packets() && message.packets().has_shared_frames()) {
    place = &message.packets().shared_frames();
  } else if (message.has_streams() && message.streams().has_shared_payload()) {
    place = &message.streams().shared_payload();
  }
  if (place == nullptr) return std::optional<ByteView>();
  for (const auto& memory : memories) {
    if (memory->id() != place->memory()) continue;
    const auto found = memory->View(place->offset(), place->length());
    if (found) return found;
  }
  return absl::InvalidArgumentError("a batch's payload is not in memory that is shared");
}

}  // namespace flowstitch
