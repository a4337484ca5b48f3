#include "reassembler/flows/flow_table.h"

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
void Take(Shelf<T>& shelf, uint32_t index) {
  shelf.by_silence.Remove(shelf.slab, index);
  shelf.slab.Delete(index);
}

}  // namespace

const FlowKey& FlowTable::KeyOf(TableEntry entry) const {
  switch (entry.kind) {
    case EntryKind::kHalfOpen:
      return half_open_.slab[entry.index].key;
    case EntryKind::kFlow:
      return flows_.slab[entry.index].key;
    case EntryKind::kTombstone:
      break;
  }
  return tombstones_.slab[entry.index].key;
}

std::optional<TableEntry> FlowTable::Find(const FlowKey& key) const {
  const auto it = entries_.find(key);
  if (it == entries_.end()) return std::nullopt;
  return *it;
}

uint32_t FlowTable::AddHalfOpen(const FlowKey& key) {
  const uint32_t index = Add(half_open_, key);
  entries_.insert({index, EntryKind::kHalfOpen});
  return index;
}

uint32_t FlowTable::AddTombstone(const FlowKey& key) {
  const uint32_t index = Add(tombstones_, key);
  entries_.insert({index, EntryKind::kTombstone});
  return index;
}

uint32_t FlowTable::AddFlow(const FlowKey& key) {
  const auto sibling = Find(key);
  if (sibling) entries_.erase(key);
  const uint32_t index = Add(flows_, key);
  if (sibling) flows_.slab[index].next_sibling = sibling->index;
  entries_.insert({index, EntryKind::kFlow});
  return index;
}

void FlowTable::Remove(TableEntry entry) {
  if (entry.kind == EntryKind::kFlow) {
    const uint32_t next = flows_.slab[entry.index].next_sibling;
    const FlowKey key = flows_.slab[entry.index].key;
    uint32_t before = Find(key)->index;
    if (before == entry.index) {
      entries_.erase(key);
      if (next != Flow::kNone) entries_.insert({next, EntryKind::kFlow});
    } else {
      while (flows_.slab[before].next_sibling != entry.index) {
        before = flows_.slab[before].next_sibling;
      }
      flows_.slab[before].next_sibling = next;
    }
    Take(flows_, entry.index);
    return;
  }
  entries_.erase(KeyOf(entry));
  if (entry.kind == EntryKind::kHalfOpen) {
    Take(half_open_, entry.index);
  } else {
    Take(tombstones_, entry.index);
  }
}

void FlowTable::Touch(uint32_t flow_index) {
  if (flows_.by_silence.newest() == flow_index) return;
  flows_.by_silence.Remove(flows_.slab, flow_index);
  flows_.by_silence.PushNewest(flows_.slab, flow_index);
}

}  // namespace flowstitch
