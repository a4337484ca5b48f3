#include "transport/link/blob_message.h"

#include <google/protobuf/io/coded_stream.h>
#include <google/protobuf/wire_format_lite.h>

#include <algorithm>
#include <cstring>

namespace flowstitch {
namespace {

using google::protobuf::internal::WireFormatLite;
using google::protobuf::io::CodedOutputStream;

uint32_t LengthTag(int field) {
  return WireFormatLite::MakeTag(field, WireFormatLite::WIRETYPE_LENGTH_DELIMITED);
}

absl::Status NotAMessage() {
  return absl::InvalidArgumentError("it is not a flowstitch LinkMessage");
}

}  // namespace

BlobBuffer::BlobBuffer(size_t headroom, size_t capacity)
    : headroom_(headroom), capacity_(capacity) {}

void BlobBuffer::Grow(size_t headroom, size_t capacity) {
  std::shared_ptr<uint8_t[]> memory(new uint8_t[headroom + capacity]);
  if (memory_ != nullptr) std::memcpy(memory.get() + headroom, memory_.get() + headroom_, size_);
  memory_ = std::move(memory);
  headroom_ = headroom;
  capacity_ = capacity;
}

uint8_t* BlobBuffer::Extend(size_t size) {
  if (memory_ == nullptr) Grow(headroom_, std::max(capacity_, size));
  if (size > capacity_ - size_) Grow(headroom_, std::max(capacity_ * 2, size_ + size));
  uint8_t* place = memory_.get() + headroom_ + size_;
  size_ += size;
  return place;
}

void BlobBuffer::Append(ByteView bytes) {
  if (bytes.empty()) return;
  std::memcpy(Extend(bytes.size()), bytes.data(), bytes.size());
}

// A message may be kept for a long time, and is counted by its bytes.
std::shared_ptr<uint8_t[]> BlobBuffer::Release(size_t start, uint8_t** begin) {
  *begin = memory_.get() + headroom_ - start;
  std::shared_ptr<uint8_t[]> memory;
  if (start + size_ < (headroom_ + capacity_) / 2) {
    memory.reset(new uint8_t[start + size_]);
    std::memcpy(memory.get(), *begin, start + size_);
    *begin = memory.get();
  } else {
    memory = std::move(memory_);
    memory_ = nullptr;
  }
  size_ = 0;
  return memory;
}

std::pair<std::shared_ptr<const void>, ByteView> BlobBuffer::Take() {
  if (memory_ == nullptr) return {};
  const size_t size = size_;
  uint8_t* begin = nullptr;
  std::shared_ptr<const void> memory = Release(0, &begin);
  return {std::move(memory), {begin, size}};
}

WireMessage BlobBuffer::Finish(uint64_t sequence, int body_field,
                               const google::protobuf::MessageLite& fields, WireMessage* batch) {
  const size_t fields_size = fields.ByteSizeLong();
  const size_t blob_head = 1 + CodedOutputStream::VarintSize32(
                                   static_cast<uint32_t>(size_));  // field 15: a one-byte tag
  const size_t batch_size = fields_size + blob_head + size_;
  const size_t message_head = 1 + CodedOutputStream::VarintSize64(sequence) + 1 +
                              CodedOutputStream::VarintSize32(static_cast<uint32_t>(batch_size));
  const size_t head = message_head + fields_size + blob_head;
  const size_t original_capacity = capacity_;
  const size_t original_headroom = headroom_;
  if (memory_ == nullptr || head > headroom_) Grow(std::max(head, headroom_), capacity_);

  uint8_t* start = memory_.get() + headroom_ - head;
  uint8_t* p = start;
  p = WireFormatLite::WriteUInt64ToArray(wire::LinkMessage::kSequenceFieldNumber, sequence, p);
  p = CodedOutputStream::WriteTagToArray(LengthTag(body_field), p);
  p = CodedOutputStream::WriteVarint32ToArray(static_cast<uint32_t>(batch_size), p);
  const uint8_t* batch_start = p;
  p = fields.SerializeWithCachedSizesToArray(p);
  p = CodedOutputStream::WriteTagToArray(LengthTag(kBlobFieldNumber), p);
  p = CodedOutputStream::WriteVarint32ToArray(static_cast<uint32_t>(size_), p);

  const auto batch_offset = static_cast<size_t>(batch_start - start);
  const size_t size = head + size_;
  uint8_t* begin = nullptr;
  const std::shared_ptr<uint8_t[]> memory = Release(head, &begin);
  if (batch != nullptr) *batch = WireMessage(memory, {begin + batch_offset, batch_size});
  if (memory_ == nullptr) {
    capacity_ = original_capacity;
    headroom_ = original_headroom;
  }
  return {memory, {begin, size}};
}

absl::Status DecodeLinkMessage(ByteView bytes, wire::LinkMessage* message, ByteView* blob) {
  *blob = {};
  message->Clear();
  const auto outline = ReadOutline(bytes);
  if (!outline.ok()) return outline.status();
  if (outline->blob_is_last) {
    message->set_sequence(outline->sequence);
    google::protobuf::MessageLite* body = message->mutable_streams();
    if (outline->body == wire::LinkMessage::kPacketsFieldNumber) body = message->mutable_packets();
    const ByteView fields = outline->batch_fields;
    if (!body->ParseFromArray(fields.data(), static_cast<int>(fields.size()))) {
      return NotAMessage();
    }
    *blob = outline->blob;
    return absl::OkStatus();
  }
  if (!message->ParseFromArray(bytes.data(), static_cast<int>(bytes.size()))) return NotAMessage();
  if (message->has_packets()) *blob = AsBytes(message->packets().frames());
  if (message->has_streams()) *blob = AsBytes(message->streams().payload());
  return absl::OkStatus();
}

}  // namespace flowstitch
