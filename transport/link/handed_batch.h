// A batch that one stage hands to the next in the same process: it is not written out and read
// again, and its payload stays where it is. Over inproc:// only; between processes a batch is bytes
// (blob_message.h).
#ifndef FLOWSTITCH_TRANSPORT_LINK_HANDED_BATCH_H_
#define FLOWSTITCH_TRANSPORT_LINK_HANDED_BATCH_H_

#include <google/protobuf/arena.h>

#include <memory>
#include <vector>

#include "base/bytes.h"
#include "proto/link.pb.h"

namespace flowstitch {

struct HandedBatch {
  HandedBatch()
      : arena(ArenaOptions()),
        message(google::protobuf::Arena::CreateMessage<wire::LinkMessage>(&arena)) {}
  HandedBatch(const HandedBatch&) = delete;
  HandedBatch& operator=(const HandedBatch&) = delete;

  // One thread takes the memory and another gives it back: in few pieces, where there is much.
  static google::protobuf::ArenaOptions ArenaOptions() {
    google::protobuf::ArenaOptions options;
    options.max_block_size = size_t{128} << 10;
    return options;
  }

  google::protobuf::Arena arena;  // of the message and of copied payload
  wire::LinkMessage* message;     // a batch without its blob
  ByteView frames;                // of a PacketBatch: its blob, see frame_offset
  std::vector<ByteView> payload;  // of a StreamBatch: a piece for each event that has any
  std::vector<std::shared_ptr<const void>> owners;  // of what the views show
  size_t bytes = 0;                                 // memory that it keeps, about
};

}  // namespace flowstitch

#endif  // FLOWSTITCH_TRANSPORT_LINK_HANDED_BATCH_H_
