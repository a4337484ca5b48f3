// What frames were that nobody reads, in words: for reports and the closing summary.
#ifndef FLOWSTITCH_SINKS_RECORDS_UNREAD_NAMES_H_
#define FLOWSTITCH_SINKS_RECORDS_UNREAD_NAMES_H_

#include <string>

#include "base/unread_layer.h"

namespace flowstitch {

// "ether_type", as reports write it.
const char* LayerName(UnreadLayer layer);
// "EtherType 0x88cc (LLDP)".
std::string NameOf(const UnreadKind& kind);

}  // namespace flowstitch

#endif  // FLOWSTITCH_SINKS_RECORDS_UNREAD_NAMES_H_
