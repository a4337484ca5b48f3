#include "capture/batcher.h"

#include <algorithm>

#include "proto/link.pb.h"
#include "transport/link/handed_batch.h"
#include "transport/link/shared_batch.h"

namespace flowstitch {
namespace {

// Bytes of the three packed arrays for each frame, and of everything else before the frames.
constexpr size_t kBytesPerFrame = 16;
constexpr size_t kOtherFieldsBytes = 512;

}  // namespace

Batcher::Batcher(std::string source, uint64_t epoch, bool live, BatcherLimits limits)
    : limits_(limits),
      frames_(static_cast<size_t>(limits.batch_frames) * kBytesPerFrame + kOtherFieldsBytes,
              limits.batch_bytes) {
  fields_.set_source(std::move(source));
  fields_.set_source_epoch(epoch);
  fields_.set_live(live);
}

void Batcher::HandOver() {
  place_ = FramePlace::kHanded;
  limits_.batch_bytes = MemoryBlocks::kBlockBytes;
  limits_.batch_frames *= 4;
  frames_ = BlobBuffer(0, limits_.batch_bytes);
}

void Batcher::ShareMemory(std::shared_ptr<const SharedMemory> memory) {
  place_ = FramePlace::kShared;
  memory_ = std::move(memory);
  limits_.batch_bytes = MemoryBlocks::kBlockBytes;
}

bool Batcher::MustFlushBefore(const Frame& frame) const {
  if (empty()) return false;
  if (batch_block_.get() != (MayStay(frame) ? block_.get() : nullptr)) return true;
  return frame.link_type != fields_.link_type() || frame.opens_no_flow != fields_.opens_no_flow() ||
         frames() >= limits_.batch_frames ||
         frame_bytes_ + frame.bytes.size() + tls_secrets_.bytes() > limits_.batch_bytes;
}

void Batcher::Add(const Frame& frame, int64_t now_ns) {
  if (empty()) {
    first_added_ns_ = now_ns;
    fields_.set_link_type(frame.link_type);
    fields_.set_opens_no_flow(frame.opens_no_flow);
    batch_block_ = MayStay(frame) ? block_ : nullptr;
    stay_ = {frame.bytes.data(), 0};
  }
  fields_.add_capture_time_ns(frame.time_ns);
  fields_.add_captured_length(static_cast<uint32_t>(frame.bytes.size()));
  fields_.add_wire_length(frame.wire_length);
  frame_bytes_ += frame.bytes.size();
  if (batch_block_ == nullptr) {
    frames_.Append(frame.bytes);
  } else {
    const auto offset = static_cast<size_t>(frame.bytes.data() - stay_.data());
    fields_.add_frame_offset(static_cast<uint32_t>(offset));
    stay_ = {stay_.data(), offset + frame.bytes.size()};
  }
  clock_.Note(frame.time_ns);
  watermark_ns_ = fields_.live() ? std::max(watermark_ns_, frame.time_ns) : clock_.now_ns();
}

void Batcher::CopyFrames() {
  for (int i = 0; i < frames(); ++i) {
    frames_.Append(stay_.subspan(fields_.frame_offset(i), fields_.captured_length(i)));
  }
  fields_.clear_frame_offset();
  batch_block_ = nullptr;
}

// Of memory, beside the frames.
size_t Batcher::OtherBytes() const {
  return static_cast<size_t>(frames()) * kBytesPerFrame + kOtherFieldsBytes;
}

WireMessage Batcher::Share(uint64_t sequence) {
  wire::LinkMessage message;
  message.set_sequence(sequence);
  *message.mutable_packets() = fields_;
  return ShareBatch(&message, stay_, *memory_, std::move(batch_block_));
}

WireMessage Batcher::Hand(uint64_t sequence) {
  auto batch = std::make_shared<HandedBatch>();
  batch->message->set_sequence(sequence);
  *batch->message->mutable_packets() = fields_;
  batch->bytes = OtherBytes();
  if (batch_block_ != nullptr) {
    batch->bytes += MemoryBlocks::kBlockBytes;
    batch->owners.push_back(std::move(batch_block_));
    batch->frames = stay_;
  } else {
    batch->bytes += frames_.size();
    auto [memory, bytes] = frames_.Take();
    batch->owners.push_back(std::move(memory));
    batch->frames = bytes;
  }
  const size_t size = batch->bytes;
  return {std::move(batch), size};
}

WireMessage Batcher::Finish(uint64_t sequence, WireMessage* batch) {
  if (place_ == FramePlace::kHanded) return Hand(sequence);
  if (batch_block_ != nullptr) return Share(sequence);
  return frames_.Finish(sequence, wire::LinkMessage::kPacketsFieldNumber, fields_, batch);
}

WireMessage Batcher::Flush(uint64_t sequence, WireMessage* batch) {
  fields_.set_first_frame(next_frame_);
  fields_.set_watermark_ns(watermark_ns_);
  tls_secrets_.MoveTo(&fields_);
  next_frame_ += static_cast<uint64_t>(frames());
  if (batch_block_ != nullptr && !uses_block()) CopyFrames();
  WireMessage message = Finish(sequence, batch);
  fields_.clear_capture_time_ns();
  fields_.clear_captured_length();
  fields_.clear_wire_length();
  fields_.clear_frame_offset();
  fields_.clear_tls_secrets();
  fields_.clear_source_ledger();
  frame_bytes_ = 0;
  return message;
}

}  // namespace flowstitch
