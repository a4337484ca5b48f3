// What is known under a flow key: a connection attempt (small), a flow, or the memory of a closed
// one. Each kind has its own slab and its own list from longest silent to newest, for fair
// eviction.
#ifndef FLOWSTITCH_REASSEMBLER_FLOW_TABLE_H_
#define FLOWSTITCH_REASSEMBLER_FLOW_TABLE_H_

#include <optional>

#include "absl/container/flat_hash_map.h"
#include "reassembler/slab.h"
#include "reassembler/tcp_stream.h"

namespace flowstitch {

// Neighbours in a list of silence; kNone at the ends.
struct ListLinks {
  uint32_t older = UINT32_MAX;
  uint32_t newer = UINT32_MAX;
};

struct HalfOpen {
  FlowKey key;
  ListLinks links;
  TimeNs first_time_ns = 0;
  TimeNs last_time_ns = 0;
  uint32_t client_isn[2] = {};  // the last two SYNs with different numbers; newest first
  uint32_t server_isn = 0;
  uint32_t wire_length = 0;  // of the first segment's frame
  uint32_t captured_length = 0;
  uint8_t client_isns = 0;
  bool server_isn_known = false;
  bool client_is_high = false;
};

struct Flow {
  FlowKey key;
  ListLinks links;
  FlowId id = 0;
  TcpStream streams[2];  // by StreamDirection
  bool client_is_high = false;
  bool reset = false;  // an accepted RST: lingers for what is under way
  TimeNs first_time_ns = 0;
  TimeNs last_time_ns = 0;
  TimeNs reset_ns = 0;
  TimeNs reminded_ns = kTimeMax;  // the earliest reminder in the wheel
  // A SYN that contradicts the flow and waits for an answer.
  struct SynCandidate {
    bool known = false;
    bool from_high = false;
    uint32_t isn = 0;
    TimeNs time_ns = 0;
  } candidate;
};

struct Tombstone {
  FlowKey key;
  ListLinks links;
  TimeNs closed_ns = 0;
  // By "from the high endpoint": first and last sequence numbers of the two streams.
  struct Side {
    bool known = false;
    bool syn_seen = false;
    uint32_t isn = 0;
    uint32_t end = 0;
  } sides[2];
};

enum class EntryKind : uint8_t { kHalfOpen, kFlow, kTombstone };

struct TableEntry {
  uint32_t index = 0;
  EntryKind kind = EntryKind::kHalfOpen;
};

// A doubly linked list through the ListLinks of a slab's objects.
template <typename T>
class SilenceList {
 public:
  void PushNewest(Slab<T>& slab, uint32_t index) {
    ListLinks& links = slab[index].links;
    links = {newest_, Slab<T>::kNone};
    (newest_ == Slab<T>::kNone ? oldest_ : slab[newest_].links.newer) = index;
    newest_ = index;
  }
  void Remove(Slab<T>& slab, uint32_t index) {
    const ListLinks links = slab[index].links;
    (links.older == Slab<T>::kNone ? oldest_ : slab[links.older].links.newer) = links.newer;
    (links.newer == Slab<T>::kNone ? newest_ : slab[links.newer].links.older) = links.older;
  }
  uint32_t oldest() const { return oldest_; }
  uint32_t newest() const { return newest_; }

 private:
  uint32_t oldest_ = Slab<T>::kNone;
  uint32_t newest_ = Slab<T>::kNone;
};

// One kind's objects. Find and Erase of the key are the table's.
template <typename T>
struct Shelf {
  Slab<T> slab;
  SilenceList<T> by_silence;
};

class FlowTable {
 public:
  std::optional<TableEntry> Find(const FlowKey& key) const;
  // The key must be free.
  uint32_t AddHalfOpen(const FlowKey& key);
  uint32_t AddFlow(const FlowKey& key);
  uint32_t AddTombstone(const FlowKey& key);
  void Remove(TableEntry entry);

  HalfOpen& half_open(uint32_t index) { return half_open_.slab[index]; }
  Flow& flow(uint32_t index) { return flows_.slab[index]; }
  Tombstone& tombstone(uint32_t index) { return tombstones_.slab[index]; }
  Shelf<HalfOpen>& half_open() { return half_open_; }
  Shelf<Flow>& flows() { return flows_; }
  Shelf<Tombstone>& tombstones() { return tombstones_; }

  // Moves a flow to the newest end of its list.
  void Touch(uint32_t flow_index);

 private:
  absl::flat_hash_map<FlowKey, TableEntry> entries_;
  Shelf<HalfOpen> half_open_;
  Shelf<Flow> flows_;
  Shelf<Tombstone> tombstones_;
};

}  // namespace flowstitch

#endif  // FLOWSTITCH_REASSEMBLER_FLOW_TABLE_H_
