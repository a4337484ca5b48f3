// A batch whose payload lies in memory that the peer reads: the message says where. It can also be
// written out whole, for a peer that does not.
#ifndef FLOWSTITCH_TRANSPORT_LINK_SHARED_BATCH_H_
#define FLOWSTITCH_TRANSPORT_LINK_SHARED_BATCH_H_

#include <memory>
#include <string>

#include "base/memory/shared_memory.h"
#include "proto/link.pb.h"
#include "transport/link/wire_message.h"

namespace flowstitch {

struct SharedBatch {
  std::string bytes;  // the message that says where the payload is
  ByteView payload;
  std::shared_ptr<const void> owner;  // of the payload
};

// `message` is a batch without its payload, which lies in a block of `memory`, as long as `owner`
// lives. Both ends of a link count it as the message and a whole block.
WireMessage ShareBatch(wire::LinkMessage* message, ByteView payload, const SharedMemory& memory,
                       std::shared_ptr<const void> owner);

// The same batch as a message that carries its payload.
WireMessage WithPayload(const SharedBatch& batch);

// Where a received batch's payload lies, if it says that it is in one of `memories`; an error when
// it is not there.
absl::StatusOr<std::optional<ByteView>> FindPayload(const wire::LinkMessage& message,
                                                    const SharedMemories& memories);

}  // namespace flowstitch

#endif  // FLOWSTITCH_TRANSPORT_LINK_SHARED_BATCH_H_
