#include "sinks/writers/tls/tls_watcher_kind.h"

#include "sinks/writers/tls/tls_watcher.h"

namespace flowstitch {

std::unique_ptr<Writer> TlsWriterKind::Make(const WriterContext& context) {
  if (!context.has_records) return nullptr;
  return std::make_unique<TlsWatcher>(context.state);
}

}  // namespace flowstitch
