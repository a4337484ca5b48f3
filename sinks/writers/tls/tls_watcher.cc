#include "sinks/writers/tls/tls_watcher.h"

#include <utility>

#include "sinks/content/tls/tls_connection.h"

namespace flowstitch {
namespace {

constexpr uint8_t kTcp = 6;

}  // namespace

void TlsWatcher::OnBytes(SinkFlow& flow, Direction direction, uint64_t offset, ByteView bytes,
                         TimeNs time_ns, BatchHold* /*hold*/) {
  if (bytes.empty()) return;
  const StreamPiece piece{direction, offset, bytes, time_ns, std::nullopt};
  auto& slot = flow.states[slot_];
  if (slot == nullptr) {
    // Most flows are none, and cost this look only.
    if (flow.protocol != kTcp) return;
    const bool opens = OpeningHold::MayBegin(flow, piece);
    if (!opens && !TlsConnection::BeginsAt(offset, bytes)) return;
    auto state = std::make_unique<State>();
    if (!opens) state->opening.Release([](const StreamPiece&) {});
    slot = std::move(state);
  }
  State& state = *StateOf(flow);
  const bool held = state.opening.holds();
  state.opening.Take(piece, [&](const StreamPiece& p) { Watch(&flow, p); });
  if (held && state.opening.record()) records_->Proxy(flow, *state.opening.record());
}

void TlsWatcher::Watch(SinkFlow* flow, const StreamPiece& piece) {
  State& state = *StateOf(*flow);
  HandshakeParser& parser = state.parsers[piece.direction];
  bool& begun = state.begun[piece.direction];
  if (parser.done()) return;
  begun = begun || piece.bytes[0] == kHandshakeRecord;
  if (!begun) return;
  parser.Feed(piece.bytes, &state.facts);
}

void TlsWatcher::OnGap(SinkFlow& flow, Direction direction, const GapRecord& /*gap*/) {
  if (flow.states[slot_] == nullptr) return;
  State& state = *StateOf(flow);
  state.opening.Release([&](const StreamPiece& p) { Watch(&flow, p); });
  state.parsers[direction].Stop();
}

void TlsWatcher::OnClosed(SinkFlow& flow) {
  if (flow.states[slot_] == nullptr) return;
  State& state = *StateOf(flow);
  state.opening.Release([&](const StreamPiece& p) { Watch(&flow, p); });
  records_->Tls(flow, state.facts);
}

}  // namespace flowstitch
