// Which worker gets which events of a batch. A flow's events all go to one worker, and so do all
// flows between the same endpoints, whose files share a name: the low byte of the flow id says so
// (proto/stream_batch.proto).
#ifndef FLOWSTITCH_SINKS_BATCH_DISPATCHER_H_
#define FLOWSTITCH_SINKS_BATCH_DISPATCHER_H_

#include <cstdint>
#include <vector>

#include "base/bytes.h"
#include "transport/link/delivery.h"

namespace flowstitch {

struct EventRef {
  uint32_t event = 0;        // index into the batch
  ByteView payload;          // of a StreamBytes or FrameSeen event
  uint64_t close_order = 0;  // of a FlowClosed event: how many came before it
};

class BatchDispatcher {
 public:
  // This sink takes share `shard` of `shards`.
  BatchDispatcher(uint32_t shard, uint32_t shards, uint32_t workers)
      : shard_(shard), shards_(shards), workers_(workers) {}

  // One list for each worker. False when the batch contradicts itself: its payload is not what its
  // events say, or nothing can have counted to a number in it. Then nothing of it may be used.
  bool Split(const Delivery& delivery, std::vector<std::vector<EventRef>>* lists);

 private:
  const uint32_t shard_;
  const uint32_t shards_;
  const uint32_t workers_;
  uint64_t closed_ = 0;
};

}  // namespace flowstitch

#endif  // FLOWSTITCH_SINKS_BATCH_DISPATCHER_H_
