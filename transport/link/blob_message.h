// Batches without copies. A batch's payload is the last field of its message, so what stands before
// it can be written in front of the finished payload, and read without touching it:
//
//   headroom        | LinkMessage.sequence | batch tag, length | batch fields | blob tag, length |
//   blob
//                   ^ message starts here, once the blob is complete            filled first ────^
#ifndef FLOWSTITCH_TRANSPORT_LINK_BLOB_MESSAGE_H_
#define FLOWSTITCH_TRANSPORT_LINK_BLOB_MESSAGE_H_

#include <google/protobuf/message_lite.h>

#include <memory>
#include <utility>

#include "absl/status/status.h"
#include "base/bytes.h"
#include "proto/link.pb.h"
#include "transport/link/message_outline.h"
#include "transport/link/wire_message.h"

namespace flowstitch {

// A payload that grows, with room in front of it for what describes it.
class BlobBuffer {
 public:
  // `headroom` bytes for the fields before the blob (more is possible, at the price of a copy).
  BlobBuffer(size_t headroom, size_t capacity);

  // `size` writable bytes behind the ones so far. The buffer grows where it must.
  uint8_t* Extend(size_t size);
  void Append(ByteView bytes);

  size_t size() const { return size_; }
  size_t capacity() const { return capacity_; }
  bool empty() const { return size_ == 0; }
  // What is there so far; valid until it changes.
  ByteView view() const { return {memory_.get() + headroom_, size_}; }

  // What is there so far, with its memory, of which less than half is empty: the buffer is empty
  // afterwards.
  std::pair<std::shared_ptr<const void>, ByteView> Take();
  // The message `LinkMessage{sequence, <body_field>: {fields, blob}}`, where `fields` has no blob
  // set. The buffer's memory moves into the message, or what little there is is copied; the buffer
  // is empty afterwards. `batch` gets the part that is the batch message alone, for taps.
  WireMessage Finish(uint64_t sequence, int body_field, const google::protobuf::MessageLite& fields,
                     WireMessage* batch);

 private:
  void Grow(size_t headroom, size_t capacity);
  // The memory from `start` bytes before the blob on: the buffer's own, or a copy where most of
  // that is empty.
  std::shared_ptr<uint8_t[]> Release(size_t start, uint8_t** begin);

  size_t headroom_;
  size_t capacity_;
  size_t size_ = 0;
  std::shared_ptr<uint8_t[]> memory_;
};

// A LinkMessage read from the wire. `blob` points into the wire bytes (or into `message`, if a
// foreign writer put the blob elsewhere than last), so both must stay alive.
struct DecodedMessage {
  wire::LinkMessage* message = nullptr;
  ByteView blob;
};

// Reads `bytes` into `message`. A batch's blob field stays empty; the view stands for it. Bytes
// beyond the limits of ReadOutline are not parsed.
absl::Status DecodeLinkMessage(ByteView bytes, wire::LinkMessage* message, ByteView* blob);

}  // namespace flowstitch

#endif  // FLOWSTITCH_TRANSPORT_LINK_BLOB_MESSAGE_H_
