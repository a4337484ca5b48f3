#include "sinks/writers/content/content_writer.h"

namespace flowstitch {
namespace {

bool IsTcp(const SinkFlow& flow) { return flow.protocol == 6; }

}  // namespace

ContentWriter::ContentWriter(const ContentOptions& options, std::unique_ptr<ContentNames> content,
                             size_t state_slot, SinkLedger* ledger)
    : slot_(state_slot), content_(std::move(content)), context_(options, ledger) {
  if (content_ != nullptr) context_.options.body.content = content_.get();
}

std::vector<std::string> ContentWriter::Endings() const {
  std::vector<std::string> endings;
  if (context_.options.heads) endings.emplace_back("-HTTP");
  if (context_.options.plain_files) endings.emplace_back("-TLS");
  return endings;
}

ContentLayer& ContentWriter::LayerOf(SinkFlow& flow) {
  auto& state = flow.states[slot_];
  if (state == nullptr) state = std::make_unique<State>(&context_, &flow);
  return static_cast<State*>(state.get())->layer;
}

void ContentWriter::OnBytes(SinkFlow& flow, Direction direction, uint64_t offset, ByteView bytes,
                            TimeNs time_ns, BatchHold* /*hold*/) {
  if (!context_.status.ok() || !IsTcp(flow)) return;
  if (!context_.options.http && flow.states[slot_] == nullptr) {
    // Only TLS is looked for, and only near a flow's beginning: most flows cost this look.
    const TlsKeys* keys = context_.options.keys;
    const bool begins =
        keys->active() && (TlsConnection::BeginsAt(offset, bytes) ||
                           OpeningHold::MayBegin(flow, {direction, offset, bytes, time_ns, {}}));
    if (!begins) return;
  }
  LayerOf(flow).Bytes({direction, offset, bytes, time_ns, flow.streams[direction].acknowledged});
}

void ContentWriter::OnGap(SinkFlow& flow, Direction direction, const GapRecord& gap) {
  if (!context_.status.ok() || !IsTcp(flow)) return;
  if (!context_.options.http && flow.states[slot_] == nullptr) return;
  LayerOf(flow).Gap(direction, gap.length);
}

void ContentWriter::OnClosed(SinkFlow& flow) {
  if (flow.states[slot_] == nullptr) return;
  LayerOf(flow).Close({flow.ended_in_order(kClientToServer), flow.ended_in_order(kServerToClient)});
  flow.states[slot_] = nullptr;
}

}  // namespace flowstitch
