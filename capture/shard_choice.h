// Which of several reassemblers gets a frame: the one that a symmetric hash of the outermost IP
// address pair names, so that both directions of a flow and all fragments of a datagram stay
// together.
#ifndef FLOWSTITCH_CAPTURE_SHARD_CHOICE_H_
#define FLOWSTITCH_CAPTURE_SHARD_CHOICE_H_

#include <cstddef>

#include "base/frame.h"

namespace flowstitch {

// In [0, shards); 0 for frames without IP.
size_t ChooseShard(const Frame& frame, size_t shards);

}  // namespace flowstitch

#endif  // FLOWSTITCH_CAPTURE_SHARD_CHOICE_H_
