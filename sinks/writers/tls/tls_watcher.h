// Looks at the beginning of each TCP flow for a TLS handshake, also behind a proxy's opening or the
// dialogue of another protocol (STARTTLS), and notes what they say.
#ifndef FLOWSTITCH_SINKS_WRITERS_TLS_TLS_WATCHER_H_
#define FLOWSTITCH_SINKS_WRITERS_TLS_TLS_WATCHER_H_

#include "base/direction.h"
#include "sinks/content/openings/opening_hold.h"
#include "sinks/content/tls/handshake_parser.h"
#include "sinks/records/record_hub.h"
#include "sinks/streams/writer.h"

namespace flowstitch {

class TlsWatcher : public Writer {
 public:
  // `records` outlives the writer.
  TlsWatcher(size_t state_slot, RecordHub* records) : slot_(state_slot), records_(records) {}

  void OnBytes(SinkFlow& flow, Direction direction, uint64_t offset, ByteView bytes, TimeNs time_ns,
               BatchHold* hold) override;
  void OnClosed(SinkFlow& flow) override;
  void OnGap(SinkFlow& flow, Direction direction, const GapRecord& gap) override;

 private:
  struct State : WriterState {
    HandshakeParser parsers[2];
    bool begun[2] = {};
    OpeningHold opening;
    TlsFacts facts;
  };
  State* StateOf(SinkFlow& flow) { return static_cast<State*>(flow.states[slot_].get()); }
  void Watch(SinkFlow* flow, const StreamPiece& piece);
  const size_t slot_;
  RecordHub* const records_;
};

}  // namespace flowstitch

#endif  // FLOWSTITCH_SINKS_WRITERS_TLS_TLS_WATCHER_H_
