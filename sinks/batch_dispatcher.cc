#include "sinks/batch_dispatcher.h"

#include "base/stream_summary.h"
#include "transport/link/link_limits.h"
#include "transport/link/stream_event.h"

namespace flowstitch {
namespace {

template <typename... Numbers>
bool Countable(Numbers... numbers) {
  return ((numbers <= kMaxCount) && ...);
}

bool IsFigure(uint64_t count) { return count <= kMaxCount; }
bool IsFigure(bool /*seen*/) { return true; }
bool IsFigure(TimeNs /*time*/) { return true; }

bool IsCountable(const wire::StreamSummary& summary) {
  bool countable = true;
#define FLOWSTITCH_CHECK(type, name, help) countable = countable && IsFigure(summary.name());
  FLOWSTITCH_STREAM_SUMMARY(FLOWSTITCH_CHECK)
#undef FLOWSTITCH_CHECK
  return countable;
}

// Offsets and lengths are added and subtracted from here on.
bool IsCountable(const wire::StreamEvent& event) {
  switch (event.event_case()) {
    case wire::StreamEvent::kOpened:
      return Countable(event.opened().client_start_offset(), event.opened().server_start_offset());
    case wire::StreamEvent::kBytes:
      return Countable(event.bytes().offset());
    case wire::StreamEvent::kGap:
      return Countable(event.gap().offset(), event.gap().length());
    case wire::StreamEvent::kConflict:
      return Countable(event.conflict().offset(), event.conflict().length());
    case wire::StreamEvent::kClosed:
      return IsCountable(event.closed().client_to_server()) &&
             IsCountable(event.closed().server_to_client());
    case wire::StreamEvent::kFrame:
    case wire::StreamEvent::kVlans:
    case wire::StreamEvent::EVENT_NOT_SET:
      break;
  }
  return true;
}

}  // namespace

bool BatchDispatcher::Split(const Delivery& delivery, std::vector<std::vector<EventRef>>* lists) {
  const wire::StreamBatch& batch = delivery.message().streams();
  lists->assign(workers_, {});
  PayloadReader payload(delivery);
  for (int i = 0; i < batch.events_size(); ++i) {
    const wire::StreamEvent& event = batch.events(i);
    if (!IsCountable(event)) return false;
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
