#include "reassembler/flow_table.h"

namespace flowstitch {
namespace {

template <typename T>
uint32_t Add(Shelf<T>& shelf, const FlowKey& key) {
  const uint32_t index = shelf.slab.New();
  shelf.slab[index].key = key;
  shelf.by_silence.PushNewest(shelf.slab, index);
  return index;
}

template <typename T>
FlowKey Take(Shelf<T>& shelf, uint32_t index) {
  const FlowKey key = shelf.slab[index].key;
  shelf.by_silence.Remove(shelf.slab, index);
  shelf.slab.Delete(index);
  return key;
}

}  // namespace

std::optional<TableEntry> FlowTable::Find(const FlowKey& key) const {
  const auto it = entries_.find(key);
  if (it == entries_.end()) return std::nullopt;
  return it->second;
}

uint32_t FlowTable::AddHalfOpen(const FlowKey& key) {
  const uint32_t index = Add(half_open_, key);
  entries_[key] = {index, EntryKind::kHalfOpen};
  return index;
}

uint32_t FlowTable::AddFlow(const FlowKey& key) {
  const uint32_t index = Add(flows_, key);
  entries_[key] = {index, EntryKind::kFlow};
  return index;
}

uint32_t FlowTable::AddTombstone(const FlowKey& key) {
  const uint32_t index = Add(tombstones_, key);
  entries_[key] = {index, EntryKind::kTombstone};
  return index;
}

void FlowTable::Remove(TableEntry entry) {
  switch (entry.kind) {
    case EntryKind::kHalfOpen:
      entries_.erase(Take(half_open_, entry.index));
      break;
    case EntryKind::kFlow:
      entries_.erase(Take(flows_, entry.index));
      break;
    case EntryKind::kTombstone:
      entries_.erase(Take(tombstones_, entry.index));
      break;
  }
}

void FlowTable::Touch(uint32_t flow_index) {
  if (flows_.by_silence.newest() == flow_index) return;
  flows_.by_silence.Remove(flows_.slab, flow_index);
  flows_.by_silence.PushNewest(flows_.slab, flow_index);
}

}  // namespace flowstitch
