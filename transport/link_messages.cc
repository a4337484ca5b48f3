#include "transport/link_messages.h"

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "transport/link/blob_message.h"
#include "transport/link/link_limits.h"

namespace flowstitch {
namespace {

void RefuseUnread(const absl::Status& status, LinkEnd* link) {
  link->Contradicts(absl::StrCat("a message of it is of no use: ", status.message()));
}

}  // namespace

bool ReadControlMessage(const zmq::message_t& raw, wire::LinkMessage* message, LinkEnd* link) {
  if (raw.size() > kMaxControlBytes) {
    link->Contradicts(absl::StrFormat("it sends a message of %d bytes", raw.size()));
    return false;
  }
  ByteView blob;
  const absl::Status status =
      DecodeLinkMessage({static_cast<const uint8_t*>(raw.data()), raw.size()}, message, &blob);
  if (!status.ok()) RefuseUnread(status, link);
  return status.ok();
}

bool Arrived(Delivery& delivery, LinkReceiver* link, int64_t now_ns) {
  if (!delivery.status().ok()) {
    RefuseUnread(delivery.status(), link);
    return false;
  }
  const Arrival arrival = link->Receive(delivery.message(), delivery.wire_size(), now_ns);
  if (arrival != Arrival::kTake) return false;
  delivery.set_sender(link->restarts());
  return true;
}

}  // namespace flowstitch
