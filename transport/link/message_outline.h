// What a message holds, found by its tags alone: a peer's bytes are measured here before anything
// is allocated for them. A message may be large only for its trailing blob and its TLS secrets; an
// empty submessage of two bytes would cost a hundred times its size once it is parsed.
#ifndef FLOWSTITCH_TRANSPORT_LINK_MESSAGE_OUTLINE_H_
#define FLOWSTITCH_TRANSPORT_LINK_MESSAGE_OUTLINE_H_

#include <cstddef>
#include <cstdint>

#include "absl/status/statusor.h"
#include "base/bytes.h"

namespace flowstitch {

// The number of the blob field in PacketBatch and StreamBatch.
inline constexpr int kBlobFieldNumber = 15;

struct MessageOutline {
  uint64_t sequence = 0;
  // The last body's field number in LinkMessage; 0: none that this build knows.
  int body = 0;
  // The batch, when it is all that follows the sequence number and its blob stands last.
  bool blob_is_last = false;
  ByteView batch_fields;  // the batch without its blob
  ByteView blob;
};

// The error says which limit of transport/link/link_limits.h is exceeded, or that it is no
// LinkMessage.
absl::StatusOr<MessageOutline> ReadOutline(ByteView bytes);

}  // namespace flowstitch

#endif  // FLOWSTITCH_TRANSPORT_LINK_MESSAGE_OUTLINE_H_
