#include "sinks/batch_dispatcher.h"

#include "transport/stream_event.h"

namespace flowstitch {

bool BatchDispatcher::Split(const wire::StreamBatch& batch, uint64_t payload_bytes,
                            std::vector<std::vector<EventRef>>* lists) {
  lists->assign(workers_, {});
  uint64_t payload_offset = 0;
  for (int i = 0; i < batch.events_size(); ++i) {
    const wire::StreamEvent& event = batch.events(i);
    EventRef ref;
    ref.event = static_cast<uint32_t>(i);
    ref.payload_offset = payload_offset;
    payload_offset += PayloadBytes(event);
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
  return payload_offset == payload_bytes;
}

}  // namespace flowstitch
