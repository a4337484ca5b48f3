#include "sinks/tls/tls_watcher.h"

namespace flowstitch {
namespace {

constexpr uint8_t kTcp = 6;
constexpr uint8_t kHandshakeRecord = 22;

}  // namespace

void TlsWatcher::OnBytes(SinkFlow& flow, int direction, uint64_t offset, ByteView bytes,
                         TimeNs /*time_ns*/, BatchHold* /*hold*/) {
  if (bytes.empty()) return;
  auto& slot = flow.states[slot_];
  if (slot == nullptr) {
    // Most flows are none, and cost this look only.
    const bool begins = flow.protocol == kTcp && offset == 0 && bytes[0] == kHandshakeRecord;
    if (!begins) return;
    slot = std::make_unique<State>();
  }
  HandshakeParser& parser = static_cast<State*>(slot.get())->parsers[direction];
  if (parser.done()) return;
  if (flow.tls == nullptr) flow.tls = std::make_unique<TlsFacts>();
  parser.Feed(bytes, flow.tls.get());
}

void TlsWatcher::OnGap(SinkFlow& flow, int direction, const GapRecord& /*gap*/) {
  if (flow.states[slot_] != nullptr) {
    static_cast<State*>(flow.states[slot_].get())->parsers[direction].Stop();
  }
}

}  // namespace flowstitch
