#include "sinks/records/body_record.h"

namespace flowstitch {

std::string BodyKindName(BodyKind kind) {
  switch (kind) {
    case BodyKind::kBody:
      return "body";
    case BodyKind::kPart:
      return "part";
    case BodyKind::kWebSocket:
      return "websocket";
    case BodyKind::kJoined:
      return "joined";
    case BodyKind::kOtherReading:
      return "other_reading";
  }
  return "";
}

}  // namespace flowstitch
