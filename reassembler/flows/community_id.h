// Community ID version 1 (https://github.com/corelight/community-id-spec): one name for a flow in
// every tool that sees it.
#ifndef FLOWSTITCH_REASSEMBLER_FLOWS_COMMUNITY_ID_H_
#define FLOWSTITCH_REASSEMBLER_FLOWS_COMMUNITY_ID_H_

#include <string>

#include "base/flow_key.h"

namespace flowstitch {

// "1:" and the base64 of SHA-1 over seed, addresses, protocol and ports; the same for both
// directions.
std::string CommunityId(const FlowKey& key, uint8_t protocol, uint16_t seed = 0);

}  // namespace flowstitch

#endif  // FLOWSTITCH_REASSEMBLER_FLOWS_COMMUNITY_ID_H_
