// What stands before the protocol proper where a connection comes through a proxy: HAProxy's PROXY
// header, versions 1 and 2 (haproxy.org, proxy-protocol.txt), and the dialogues of SOCKS 4, 4a and
// 5 (RFC 1928, RFC 1929).
#ifndef FLOWSTITCH_SINKS_CONTENT_OPENINGS_PROXY_OPENING_H_
#define FLOWSTITCH_SINKS_CONTENT_OPENINGS_PROXY_OPENING_H_

#include <string_view>

#include "base/bytes.h"
#include "sinks/content/openings/proxy_record.h"

namespace flowstitch {

struct ProxyOpening {
  enum class Verdict {
    kUnsure,  // more bytes are needed to tell
    kNone,
    kDone,
  };
  Verdict verdict = Verdict::kNone;
  size_t client_bytes = 0;  // of the opening
  size_t server_bytes = 0;
  ProxyRecord record;
};

// Neither side says more before the protocol proper.
inline constexpr size_t kMaxProxyOpeningBytes = 2048;

// Whether the side that connects may begin one, by what it has sent.
bool MayBeginProxyOpening(ByteView client);
// The first bytes of both sides.
ProxyOpening ReadProxyOpening(std::string_view client, std::string_view server);

}  // namespace flowstitch

#endif  // FLOWSTITCH_SINKS_CONTENT_OPENINGS_PROXY_OPENING_H_
