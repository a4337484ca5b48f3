#include "sinks/batch_dispatcher.h"

#include "transport/stream_event.h"

namespace flowstitch {

bool BatchDispatcher::Split(const Delivery& delivery, std::vector<std::vector<EventRef>>* lists) {
  const wire::StreamBatch& batch = delivery.message().streams();
  lists->assign(workers_, {});
  PayloadReader payload(delivery);
  for (int i = 0; i < batch.events_size(); ++i) {
    const wire::StreamEvent& event = batch.events(i);
    EventRef ref;
    ref.event = static_cast<uint32_t>(i);
    const size_t length = PayloadBytes(event);
    if (length > 0 && !payload.Take(length, &ref.payload)) return false;
    if (event.has_frame()) {
      const wire::FrameSeen& frame = event.frame();
      // Where its payload lies must be inside it.
      if (uint64_t{frame.payload_offset()} + frame.payload_length() > frame.length()) return false;
    }
    const auto low = static_cast<uint32_t>(FlowOf(event) & 0xff);
    if (low % shards_ != shard_) continue;
    if (event.has_closed()) ref.close_order = closed_++;
    (*lists)[low / shards_ % workers_].push_back(ref);
  }
  return payload.at_end();
}

}  // namespace flowstitch
