// What comes by a link's socket, read and held against the contract.
#ifndef FLOWSTITCH_TRANSPORT_LINK_MESSAGES_H_
#define FLOWSTITCH_TRANSPORT_LINK_MESSAGES_H_

#include <zmq.hpp>

#include "transport/link/delivery.h"
#include "transport/link/link_receiver.h"

namespace flowstitch {

// What a receiver says. False, and the peer is refused, where it cannot be read.
bool ReadControlMessage(const zmq::message_t& raw, wire::LinkMessage* message, LinkEnd* link);

// Gives a message to its link. True where it is one to be taken; `delivery` then says of which of
// the peer's processes it is.
bool Arrived(Delivery& delivery, LinkReceiver* link, int64_t now_ns);

}  // namespace flowstitch

#endif  // FLOWSTITCH_TRANSPORT_LINK_MESSAGES_H_
