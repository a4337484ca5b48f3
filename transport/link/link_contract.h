// What no peer may say, whoever it is and whatever was said before: numbers that nobody can have
// counted to, numbers that contradict each other, a numbered message that is none. The link's two
// halves check what depends on their state.
#ifndef FLOWSTITCH_TRANSPORT_LINK_LINK_CONTRACT_H_
#define FLOWSTITCH_TRANSPORT_LINK_LINK_CONTRACT_H_

#include <google/protobuf/message.h>

#include <string>

#include "proto/link.pb.h"

namespace flowstitch {

// Why `message` contradicts the contract (proto/README.md); empty when it does not. `sender`: the
// role of the peer, as in its Hello.
std::string FindContradiction(const wire::LinkMessage& message, wire::Role sender);

// The name of a figure (uint64) beyond kMaxCount in a ledger's message, or in one inside of it;
// empty when there is none.
std::string FindImpossibleFigure(const google::protobuf::Message& message);

// The Refusal that tells a peer of it.
wire::Refusal ContradictionRefusal(const std::string& peer, const std::string& why);

}  // namespace flowstitch

#endif  // FLOWSTITCH_TRANSPORT_LINK_LINK_CONTRACT_H_
