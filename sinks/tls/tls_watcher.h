// Looks at the beginning of each TCP stream for a TLS handshake, and notes what it says.
#ifndef FLOWSTITCH_SINKS_TLS_TLS_WATCHER_H_
#define FLOWSTITCH_SINKS_TLS_TLS_WATCHER_H_

#include "sinks/sink_flow.h"
#include "sinks/tls/handshake_parser.h"

namespace flowstitch {

class TlsWatcher : public Writer {
 public:
  explicit TlsWatcher(size_t state_slot) : slot_(state_slot) {}

  void OnBytes(SinkFlow& flow, int direction, uint64_t offset, ByteView bytes, TimeNs time_ns,
               BatchHold* hold) override;
  void OnGap(SinkFlow& flow, int direction, const GapRecord& gap) override;

 private:
  struct State : WriterState {
    HandshakeParser parsers[2];
  };
  const size_t slot_;
};

}  // namespace flowstitch

#endif  // FLOWSTITCH_SINKS_TLS_TLS_WATCHER_H_
