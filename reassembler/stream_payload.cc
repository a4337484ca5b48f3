#include "reassembler/stream_payload.h"

#include <cstring>
#include <utility>

#include "proto/link.pb.h"
#include "transport/link/shared_batch.h"

namespace flowstitch {
namespace {

bool LiesIn(ByteView bytes, ByteView area) {
  const auto at = reinterpret_cast<uintptr_t>(bytes.data());
  const auto begin = reinterpret_cast<uintptr_t>(area.data());
  return at >= begin && at - begin <= area.size() && bytes.size() <= area.size() - (at - begin);
}

}  // namespace

WireMessage CopiedPayload::Finish(uint64_t sequence, std::shared_ptr<HandedBatch> batch,
                                  size_t /*other_bytes*/) {
  return bytes_.Finish(sequence, wire::LinkMessage::kStreamsFieldNumber, batch->message->streams(),
                       nullptr);
}

void SharedPayload::Begin(HandedBatch* /*batch*/) {
  if (block_ == nullptr) block_ = blocks_.TakeShared();
  in_block_ = block_ != nullptr;
  size_ = 0;
}

void SharedPayload::LeaveBlock() {
  copied_.Add({block_.get(), size_});
  in_block_ = false;
}

void SharedPayload::Add(ByteView bytes) {
  // A hole that is filled can bring more at once than there is room for.
  if (in_block_ && size_ + bytes.size() > MemoryBlocks::kBlockBytes) LeaveBlock();
  if (!in_block_) {
    copied_.Add(bytes);
  } else if (!bytes.empty()) {
    std::memcpy(block_.get() + size_, bytes.data(), bytes.size());
    size_ += bytes.size();
  }
}

WireMessage SharedPayload::Finish(uint64_t sequence, std::shared_ptr<HandedBatch> batch,
                                  size_t other_bytes) {
  // A block is counted whole.
  if (in_block_ && size_ < MemoryBlocks::kBlockBytes / 2) LeaveBlock();
  if (!in_block_) return copied_.Finish(sequence, std::move(batch), other_bytes);
  batch->message->set_sequence(sequence);
  const ByteView payload{block_.get(), size_};
  return ShareBatch(batch->message, payload, *blocks_.memory(), std::exchange(block_, nullptr));
}

void HandedPayload::Begin(HandedBatch* batch) {
  batch_ = batch;
  copied_bytes_ = 0;
  kept_bytes_ = 0;
}

void HandedPayload::Add(ByteView bytes) {
  if (bytes.empty()) return;
  if (frame_batch_ != nullptr && LiesIn(bytes, frame_batch_->blob())) {
    if (batch_->owners.empty() || batch_->owners.back() != frame_batch_) {
      batch_->owners.push_back(frame_batch_);
      // The batch before may keep it too, and has counted it.
      if (last_kept_ != frame_batch_) kept_bytes_ += frame_batch_->blob().size();
      last_kept_ = frame_batch_;
    }
    batch_->payload.push_back(bytes);
    return;
  }
  // It waited behind a hole, came in fragments, or was changed.
  copied_bytes_ += bytes.size();
  auto* copy = google::protobuf::Arena::CreateArray<uint8_t>(&batch_->arena, bytes.size());
  std::memcpy(copy, bytes.data(), bytes.size());
  batch_->payload.emplace_back(copy, bytes.size());
}

WireMessage HandedPayload::Finish(uint64_t sequence, std::shared_ptr<HandedBatch> batch,
                                  size_t other_bytes) {
  batch->message->set_sequence(sequence);
  batch->bytes = other_bytes + copied_bytes_ + kept_bytes_;
  const size_t size = batch->bytes;
  return {std::move(batch), size};
}

}  // namespace flowstitch
