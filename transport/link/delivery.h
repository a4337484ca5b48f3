// A sequenced message that a link delivered, with everything that keeps its bytes alive.
#ifndef FLOWSTITCH_TRANSPORT_LINK_DELIVERY_H_
#define FLOWSTITCH_TRANSPORT_LINK_DELIVERY_H_

#include <google/protobuf/arena.h>

#include <memory>
#include <utility>
#include <vector>
#include <zmq.hpp>

#include "base/bytes.h"
#include "proto/link.pb.h"
#include "transport/link/blob_message.h"
#include "transport/link/handed_batch.h"
#include "transport/link/link_limits.h"
#include "transport/link/shared_batch.h"

namespace flowstitch {

class Delivery {
 public:
  // `memories`: where the payload may lie that it does not carry.
  explicit Delivery(zmq::message_t raw, const SharedMemories& memories = {})
      : raw_(std::move(raw)), size_(raw_.size()) {
    message_ = google::protobuf::Arena::CreateMessage<wire::LinkMessage>(&arena_);
    status_ = DecodeLinkMessage({static_cast<const uint8_t*>(raw_.data()), raw_.size()}, message_,
                                &blob_);
    if (!status_.ok()) return;
    // What it takes is counted by its size.
    if (arena_.SpaceAllocated() > kFreeParsedBytes + kMaxParsedTimes * raw_.size()) {
      status_ = absl::ResourceExhaustedError("it takes many times its size");
      return;
    }
    const auto payload = FindPayload(*message_, memories);
    status_ = payload.status();
    if (!payload.ok() || !payload->has_value()) return;
    blob_ = **payload;
    size_ += SharedMemory::kBlockBytes;
    borrowed_ = true;
  }
  explicit Delivery(std::shared_ptr<const HandedBatch> handed)
      : handed_(std::move(handed)),
        message_(handed_->message),
        blob_(handed_->frames),
        size_(handed_->bytes) {}
  Delivery(const Delivery&) = delete;
  Delivery& operator=(const Delivery&) = delete;

  const absl::Status& status() const { return status_; }
  const wire::LinkMessage& message() const { return *message_; }
  // The frames of a PacketBatch; valid as long as this object. See PayloadReader for a StreamBatch.
  ByteView blob() const { return blob_; }
  // The pieces of a StreamBatch that was handed over; null when its payload is the blob.
  const std::vector<ByteView>* pieces() const {
    return handed_ == nullptr ? nullptr : &handed_->payload;
  }
  // Whether the blob is the sender's, who may write over it once the batch is finished with.
  bool borrowed() const { return borrowed_; }
  // Which of its peer's processes it came from, as the link counts them.
  uint64_t sender() const { return sender_; }
  void set_sender(uint64_t process) { sender_ = process; }
  // What a link counts it as.
  size_t wire_size() const { return size_; }

 private:
  zmq::message_t raw_;
  google::protobuf::Arena arena_;
  std::shared_ptr<const HandedBatch> handed_;
  wire::LinkMessage* message_ = nullptr;
  ByteView blob_;
  size_t size_;
  uint64_t sender_ = 0;
  bool borrowed_ = false;
  absl::Status status_;
};

// The payload of a StreamBatch, event by event.
class PayloadReader {
 public:
  explicit PayloadReader(const Delivery& delivery)
      : pieces_(delivery.pieces()), rest_(delivery.blob()) {}

  // The next `length` bytes; false when they are not there.
  bool Take(size_t length, ByteView* bytes) {
    if (pieces_ == nullptr) {
      if (length > rest_.size()) return false;
      *bytes = rest_.first(length);
      rest_ = rest_.subspan(length);
      return true;
    }
    if (piece_ == pieces_->size() || (*pieces_)[piece_].size() != length) return false;
    *bytes = (*pieces_)[piece_++];
    return true;
  }
  bool at_end() const { return pieces_ == nullptr ? rest_.empty() : piece_ == pieces_->size(); }

 private:
  const std::vector<ByteView>* pieces_;
  size_t piece_ = 0;
  ByteView rest_;
};

}  // namespace flowstitch

#endif  // FLOWSTITCH_TRANSPORT_LINK_DELIVERY_H_
