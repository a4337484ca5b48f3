// The two directions of a flow.
#ifndef FLOWSTITCH_BASE_DIRECTION_H_
#define FLOWSTITCH_BASE_DIRECTION_H_

#include <cstdint>

namespace flowstitch {

// Not scoped: it is the index of what there is for each direction.
enum Direction : uint8_t { kClientToServer = 0, kServerToClient = 1 };

inline constexpr Direction kDirections[] = {kClientToServer, kServerToClient};

constexpr Direction Opposite(Direction direction) {
  return direction == kClientToServer ? kServerToClient : kClientToServer;
}

}  // namespace flowstitch

#endif  // FLOWSTITCH_BASE_DIRECTION_H_
