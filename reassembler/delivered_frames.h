// The frames of a PacketBatch as values, with the message that they lie in.
#ifndef FLOWSTITCH_REASSEMBLER_DELIVERED_FRAMES_H_
#define FLOWSTITCH_REASSEMBLER_DELIVERED_FRAMES_H_

#include <memory>
#include <utility>

#include "reassembler/sources/frame_batch.h"
#include "transport/link/delivery.h"

namespace flowstitch {

struct DeliveredFrames : FrameBatch {
  explicit DeliveredFrames(std::shared_ptr<Delivery> message) : delivery(std::move(message)) {
    const wire::PacketBatch& packets = delivery->message().packets();
    blob = delivery->blob();
    capture_times_ns = {packets.capture_time_ns().data(), size_t(packets.capture_time_ns_size())};
    captured_lengths = {packets.captured_length().data(), size_t(packets.captured_length_size())};
    wire_lengths = {packets.wire_length().data(), size_t(packets.wire_length_size())};
    offsets = {packets.frame_offset().data(), size_t(packets.frame_offset_size())};
    link_type = packets.link_type();
    opens_no_flow = packets.opens_no_flow();
    watermark_ns = packets.watermark_ns();
  }

  // The message of a batch that was made here.
  static const std::shared_ptr<Delivery>& MessageOf(const FrameBatch& batch) {
    return static_cast<const DeliveredFrames&>(batch).delivery;
  }

  const std::shared_ptr<Delivery> delivery;
};

}  // namespace flowstitch

#endif  // FLOWSTITCH_REASSEMBLER_DELIVERED_FRAMES_H_
