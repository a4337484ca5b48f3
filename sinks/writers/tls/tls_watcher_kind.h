// Facts of TLS handshakes, wherever records or a report are written.
#ifndef FLOWSTITCH_SINKS_WRITERS_TLS_TLS_WATCHER_KIND_H_
#define FLOWSTITCH_SINKS_WRITERS_TLS_TLS_WATCHER_KIND_H_

#include "sinks/streams/writer_kind.h"

namespace flowstitch {

class TlsWriterKind : public WriterKind {
 public:
  bool wanted() const override { return false; }  // nobody asks for it by itself
  std::unique_ptr<Writer> Make(const WriterContext& context) override;
};

}  // namespace flowstitch

#endif  // FLOWSTITCH_SINKS_WRITERS_TLS_TLS_WATCHER_KIND_H_
