// A sequenced message that a link delivered, with everything that keeps its bytes alive.
#ifndef FLOWSTITCH_TRANSPORT_DELIVERY_H_
#define FLOWSTITCH_TRANSPORT_DELIVERY_H_

#include <google/protobuf/arena.h>

#include <zmq.hpp>

#include "base/bytes.h"
#include "proto/link.pb.h"
#include "transport/blob_message.h"

namespace flowstitch {

class Delivery {
 public:
  explicit Delivery(zmq::message_t raw) : raw_(std::move(raw)) {
    message_ = google::protobuf::Arena::CreateMessage<wire::LinkMessage>(&arena_);
    status_ = DecodeLinkMessage({static_cast<const uint8_t*>(raw_.data()), raw_.size()}, message_,
                                &blob_);
  }
  Delivery(const Delivery&) = delete;
  Delivery& operator=(const Delivery&) = delete;

  const absl::Status& status() const { return status_; }
  const wire::LinkMessage& message() const { return *message_; }
  // The payload of a batch; valid as long as this object.
  ByteView blob() const { return blob_; }
  size_t wire_size() const { return raw_.size(); }

 private:
  zmq::message_t raw_;
  google::protobuf::Arena arena_;
  wire::LinkMessage* message_ = nullptr;
  ByteView blob_;
  absl::Status status_;
};

}  // namespace flowstitch

#endif  // FLOWSTITCH_TRANSPORT_DELIVERY_H_
