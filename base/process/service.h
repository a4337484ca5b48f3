// What a service manager is told (sd_notify(3)): that the process is ready, that it is alive, that
// it is ending. Without one ($NOTIFY_SOCKET is not set) nothing happens.
#ifndef FLOWSTITCH_BASE_PROCESS_SERVICE_H_
#define FLOWSTITCH_BASE_PROCESS_SERVICE_H_

#include <cstdint>

namespace flowstitch {

// Sockets are bound, inputs are open: others may be started. Once is enough.
void TellReady();
// To be called from the loop that must not hang; says so to a watchdog once a second.
void TellAlive(int64_t steady_now_ns);
void TellStopping();

}  // namespace flowstitch

#endif  // FLOWSTITCH_BASE_PROCESS_SERVICE_H_
