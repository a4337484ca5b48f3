// What stands before the protocol proper where a connection comes through a proxy.
#ifndef FLOWSTITCH_SINKS_CONTENT_OPENINGS_PROXY_RECORD_H_
#define FLOWSTITCH_SINKS_CONTENT_OPENINGS_PROXY_RECORD_H_

#include <cstdint>
#include <string>

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

}  // namespace flowstitch

#endif  // FLOWSTITCH_SINKS_CONTENT_OPENINGS_PROXY_RECORD_H_
