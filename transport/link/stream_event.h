// What every kind of stream event has.
#ifndef FLOWSTITCH_TRANSPORT_LINK_STREAM_EVENT_H_
#define FLOWSTITCH_TRANSPORT_LINK_STREAM_EVENT_H_

#include <cstddef>
#include <cstdint>

#include "proto/stream_batch.pb.h"

namespace flowstitch {

// 0 for a frame of no flow.
inline uint64_t FlowOf(const wire::StreamEvent& event) {
  switch (event.event_case()) {
    case wire::StreamEvent::kOpened:
      return event.opened().flow();
    case wire::StreamEvent::kBytes:
      return event.bytes().flow();
    case wire::StreamEvent::kGap:
      return event.gap().flow();
    case wire::StreamEvent::kConflict:
      return event.conflict().flow();
    case wire::StreamEvent::kClosed:
      return event.closed().flow();
    case wire::StreamEvent::kFrame:
      return event.frame().flow();
    case wire::StreamEvent::kVlans:
      return event.vlans().flow();
    case wire::StreamEvent::EVENT_NOT_SET:
      break;
  }
  return 0;
}

// Its bytes in the batch's payload.
inline size_t PayloadBytes(const wire::StreamEvent& event) {
  if (event.has_bytes()) return event.bytes().length();
  return event.has_frame() ? event.frame().length() : 0;
}

}  // namespace flowstitch

#endif  // FLOWSTITCH_TRANSPORT_LINK_STREAM_EVENT_H_
