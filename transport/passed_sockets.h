// Socket activation (sd_listen_fds(3)): listening sockets that a service manager has opened and
// gives to the process it starts. Peers can connect before it is there and while it is started
// again: they wait instead of being refused.
#ifndef FLOWSTITCH_TRANSPORT_PASSED_SOCKETS_H_
#define FLOWSTITCH_TRANSPORT_PASSED_SOCKETS_H_

#include <string>

namespace flowstitch {

// The descriptor of a passed socket that listens at `endpoint` (tcp://HOST:PORT with a numeric host
// or '*', ipc://PATH); -1 when there is none. It is made non-blocking.
int FindPassedSocket(const std::string& endpoint);

}  // namespace flowstitch

#endif  // FLOWSTITCH_TRANSPORT_PASSED_SOCKETS_H_
