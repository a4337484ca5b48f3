// ZeroMQ endpoints as people write them: inproc://NAME, ipc://PATH, tcp://HOST:PORT. A '@' in front
// binds and a '>' connects, as in CZMQ; without either, the side that is meant to have many peers
// binds.
#ifndef FLOWSTITCH_TRANSPORT_ENDPOINT_H_
#define FLOWSTITCH_TRANSPORT_ENDPOINT_H_

#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"

namespace flowstitch {

struct SocketEndpoint {
  std::string address;  // without the prefix
  bool bind = false;
};

// `binds_by_default` decides where there is no prefix. The error names the text and the forms
// allowed.
absl::StatusOr<SocketEndpoint> ParseEndpoint(std::string_view text, bool binds_by_default);

// The same for "ENDPOINT[,ENDPOINT…]".
absl::StatusOr<std::vector<SocketEndpoint>> ParseEndpoints(std::string_view text,
                                                           bool binds_by_default);

}  // namespace flowstitch

#endif  // FLOWSTITCH_TRANSPORT_ENDPOINT_H_
