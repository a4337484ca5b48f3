#include "transport/blob_message.h"

#include <google/protobuf/io/coded_stream.h>
#include <google/protobuf/wire_format_lite.h>

#include <algorithm>
#include <cstring>

#include "transport/link_limits.h"

namespace flowstitch {
namespace {

using google::protobuf::internal::WireFormatLite;
using google::protobuf::io::CodedInputStream;
using google::protobuf::io::CodedOutputStream;

uint32_t LengthTag(int field) {
  return WireFormatLite::MakeTag(field, WireFormatLite::WIRETYPE_LENGTH_DELIMITED);
}

// Where the blob of a batch begins, if it is the batch's last field: the offset of its tag and the
// blob.
struct BlobPlace {
  size_t tag_offset;
  ByteView blob;
};

bool FindTrailingBlob(ByteView batch, BlobPlace* place) {
  CodedInputStream in(batch.data(), static_cast<int>(batch.size()));
  while (true) {
    const int tag_offset = in.CurrentPosition();
    const uint32_t tag = in.ReadTag();
    if (tag == 0) return false;
    if (tag != LengthTag(kBlobFieldNumber)) {
      if (!WireFormatLite::SkipField(&in, tag)) return false;
      continue;
    }
    uint32_t length = 0;
    if (!in.ReadVarint32(&length)) return false;
    const size_t start = static_cast<size_t>(in.CurrentPosition());
    if (length != batch.size() - start) return false;
    *place = {static_cast<size_t>(tag_offset), batch.subspan(start)};
    return true;
  }
}

// The batch inside a LinkMessage that has nothing behind it; false if the message has another form.
bool FindTrailingBatch(ByteView bytes, uint64_t* sequence, int* field, ByteView* batch) {
  CodedInputStream in(bytes.data(), static_cast<int>(bytes.size()));
  while (true) {
    const uint32_t tag = in.ReadTag();
    if (tag == WireFormatLite::MakeTag(wire::LinkMessage::kSequenceFieldNumber,
                                       WireFormatLite::WIRETYPE_VARINT)) {
      if (!in.ReadVarint64(sequence)) return false;
      continue;
    }
    if (tag != LengthTag(wire::LinkMessage::kPacketsFieldNumber) &&
        tag != LengthTag(wire::LinkMessage::kStreamsFieldNumber)) {
      return false;
    }
    uint32_t length = 0;
    if (!in.ReadVarint32(&length)) return false;
    const size_t start = static_cast<size_t>(in.CurrentPosition());
    if (length != bytes.size() - start) return false;
    *field = static_cast<int>(tag >> 3);
    *batch = bytes.subspan(start);
    return true;
  }
}

absl::Status NotAMessage() {
  return absl::InvalidArgumentError("the message is not a flowstitch LinkMessage");
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
  if (bytes.size() > kMaxMessageBytes) return NotAMessage();
  uint64_t sequence = 0;
  int field = 0;
  ByteView batch;
  BlobPlace place;
  if (FindTrailingBatch(bytes, &sequence, &field, &batch) && FindTrailingBlob(batch, &place)) {
    message->set_sequence(sequence);
    google::protobuf::MessageLite* body = message->mutable_streams();
    if (field == wire::LinkMessage::kPacketsFieldNumber) body = message->mutable_packets();
    if (!body->ParseFromArray(batch.data(), static_cast<int>(place.tag_offset))) {
      return NotAMessage();
    }
    *blob = place.blob;
    return absl::OkStatus();
  }
  if (!message->ParseFromArray(bytes.data(), static_cast<int>(bytes.size()))) return NotAMessage();
  if (message->has_packets()) *blob = AsBytes(message->packets().frames());
  if (message->has_streams()) *blob = AsBytes(message->streams().payload());
  return absl::OkStatus();
}

}  // namespace flowstitch
