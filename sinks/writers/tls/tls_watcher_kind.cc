#include "sinks/writers/tls/tls_watcher_kind.h"

#include "sinks/writers/tls/tls_watcher.h"

namespace flowstitch {

std::unique_ptr<Writer> TlsWriterKind::Make(const WriterContext& context) {
  if (!context.records->wants_flows()) return nullptr;
  return std::make_unique<TlsWatcher>(context.state, context.records);
}

}  // namespace flowstitch
