// What stands before the protocol proper where a connection comes through a proxy: HAProxy's PROXY
// header, versions 1 and 2 (haproxy.org, proxy-protocol.txt), and the dialogues of SOCKS 4, 4a and
// 5 (RFC 1928, RFC 1929).
#ifndef FLOWSTITCH_SINKS_PROXY_OPENING_H_
#define FLOWSTITCH_SINKS_PROXY_OPENING_H_

#include <string>
#include <string_view>

#include "base/bytes.h"

namespace flowstitch {

// What an opening says. Of a PROXY header: the client's and the server's addresses before the
// proxy. Of SOCKS: where the proxy was asked to connect to.
struct ProxyRecord {
  std::string kind;    // "proxy-1", "proxy-2", "socks-4", "socks-5"
  std::string source;  // an address, or a socket's path; empty: not told
  uint32_t source_port = 0;
  std::string destination;  // likewise, or a host's name
  uint32_t destination_port = 0;
};

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

#endif  // FLOWSTITCH_SINKS_PROXY_OPENING_H_
