#include "sinks/records/record_hub.h"

#include <utility>

namespace flowstitch {
namespace {

void Merge(const TlsFacts& facts, TlsFacts* into) {
  if (facts.client_hello) {
    into->client_hello = true;
    into->server_name = facts.server_name;
    into->alpn_offered = facts.alpn_offered;
    into->offered_version = facts.offered_version;
  }
  if (facts.server_hello) {
    into->server_hello = true;
    into->version = facts.version;
    into->cipher = facts.cipher;
    into->cipher_name = facts.cipher_name;
  }
  if (!facts.alpn.empty()) into->alpn = facts.alpn;
  if (!facts.certificates.empty()) into->certificates = facts.certificates;
}

}  // namespace

RecordHub::RecordHub(size_t state_slot, const RecordOutputs* outputs, SinkLedger* ledger)
    : slot_(state_slot) {
  if (outputs == nullptr) return;
  for (const auto& output : *outputs) {
    wants_flows_ = wants_flows_ || output->wants_flows();
    wants_transactions_ = wants_transactions_ || output->wants_transactions();
    buffers_ = buffers_ || output->buffers();
    if (auto consumer = output->MakeConsumer(ledger)) consumers_.push_back(std::move(consumer));
  }
}

FlowRecord& RecordHub::Of(SinkFlow& flow) {
  auto& state = flow.states[slot_];
  if (state == nullptr) state = std::make_unique<State>(&flow);
  return static_cast<State*>(state.get())->record;
}

template <typename Record>
void RecordHub::List(SinkFlow& flow, Direction direction,
                     std::vector<Record> FlowRecord::Stream::*list, Record record) {
  auto& listed = Of(flow).streams[direction].*list;
  if (listed.size() < kMaxListed) listed.push_back(std::move(record));
}

void RecordHub::Gap(SinkFlow& flow, Direction direction, const GapRecord& gap) {
  if (nobody()) return;
  const FlowRecord& record = Of(flow);
  for (const auto& consumer : consumers_) consumer->OnGap(record, direction, gap);
  List(flow, direction, &FlowRecord::Stream::gaps, gap);
}

void RecordHub::Conflict(SinkFlow& flow, Direction direction, const ConflictRecord& conflict) {
  if (nobody()) return;
  FlowRecord& record = Of(flow);
  ++record.conflicts;
  for (const auto& consumer : consumers_) consumer->OnConflict(record, direction, conflict);
}

void RecordHub::StreamFileBegun(const std::string& path) {
  for (const auto& consumer : consumers_) consumer->OnStreamFileBegun(path);
}

void RecordHub::StreamFile(SinkFlow& flow, Direction direction, StreamFileRecord file) {
  if (nobody()) return;
  FlowRecord& record = Of(flow);
  StreamFileRecord& kept = record.streams[direction].file;
  kept = std::move(file);
  for (const auto& consumer : consumers_) consumer->OnStreamFile(record, direction, kept);
}

void RecordHub::Conversation(SinkFlow& flow, ConversationRecord conversation) {
  if (!nobody()) Of(flow).conversation = std::move(conversation);
}

void RecordHub::BodyBegun(const std::string& path) {
  for (const auto& consumer : consumers_) consumer->OnBodyBegun(path);
}

void RecordHub::Body(SinkFlow& flow, Direction direction, BodyRecord body) {
  if (nobody()) return;
  const FlowRecord& record = Of(flow);
  for (const auto& consumer : consumers_) consumer->OnBody(record, direction, body);
  List(flow, direction, &FlowRecord::Stream::bodies, std::move(body));
}

void RecordHub::Range(SinkFlow& flow, RangeRecord range) {
  if (nobody()) return;
  auto& ranges = Of(flow).ranges;
  if (ranges.size() < kMaxListed) ranges.push_back(std::move(range));
}

void RecordHub::Transaction(SinkFlow& flow, const HttpTransaction& transaction) {
  if (nobody()) return;
  const FlowRecord& record = Of(flow);
  for (const auto& consumer : consumers_) consumer->OnTransaction(record, transaction);
}

void RecordHub::Unread(SinkFlow& flow, Direction direction, UnreadRecord stretch) {
  if (!nobody()) List(flow, direction, &FlowRecord::Stream::unread, std::move(stretch));
}

void RecordHub::Plain(SinkFlow& flow, Direction direction, PlainRecord plain) {
  if (!nobody()) Of(flow).streams[direction].plain.push_back(std::move(plain));
}

void RecordHub::Proxy(SinkFlow& flow, ProxyRecord proxy) {
  if (!nobody()) Of(flow).proxy = std::move(proxy);
}

void RecordHub::Tls(SinkFlow& flow, const TlsFacts& facts) {
  if (nobody() || !facts.any()) return;
  auto& kept = Of(flow).tls;
  if (kept == nullptr) kept = std::make_unique<TlsFacts>();
  Merge(facts, kept.get());
}

void RecordHub::Closed(SinkFlow& flow) {
  if (nobody()) return;
  FlowRecord& record = Of(flow);
  for (const auto& consumer : consumers_) consumer->OnClosed(record);
}

void RecordHub::Missing(uint64_t close_order) {
  for (const auto& consumer : consumers_) consumer->OnMissing(close_order);
}

void RecordHub::OnBatchDone() {
  for (const auto& consumer : consumers_) consumer->OnBatchDone();
}

void RecordHub::Flush() {
  for (const auto& consumer : consumers_) consumer->Flush();
}

}  // namespace flowstitch
