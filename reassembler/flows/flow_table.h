// What is known under a flow key: a connection attempt (small), one or several flows, or the memory
// of a closed one. Each kind has its own slab and its own list from longest silent to newest, for
// fair eviction.
//
// Several flows under one key are two sequence spaces between the same ends, or a new connection
// and the one before it that may still say something. They are chained, the newest first.
#ifndef FLOWSTITCH_REASSEMBLER_FLOWS_FLOW_TABLE_H_
#define FLOWSTITCH_REASSEMBLER_FLOWS_FLOW_TABLE_H_

#include <memory>
#include <optional>

#include "absl/container/flat_hash_set.h"
#include "base/silence_list.h"
#include "reassembler/flows/flow_history.h"
#include "reassembler/flows/frame_recorder.h"
#include "reassembler/flows/stray_run.h"
#include "reassembler/flows/tcp_stream.h"

namespace flowstitch {

// First and last sequence numbers of the streams of a closed flow, by "from the high endpoint".
struct ClosedStream {
  bool known = false;
  bool syn_seen = false;
  uint32_t isn = 0;
  uint32_t end = 0;
  uint32_t resume = 0;  // the number of the first byte that was not delivered
  uint64_t length = 0;
};
using ClosedStreams = std::array<ClosedStream, 2>;

// A SYN's payload: it counts when the peer accepts it, or when nobody contradicts it.
struct SynPayload {
  std::vector<uint8_t> bytes;  // never empty
  uint32_t isn = 0;            // of that SYN
  IpAddress sender;
  bool may_be_told = false;  // one of those of its sender that are delivered without an answer
  LinkLayer link;
  TunnelPath tunnels;
};

// What most connection attempts never need.
struct HalfOpenRare {
  std::unique_ptr<SynPayload> payload;
  HeldFrames frames;     // when frames are wanted
  VlanTags vlans;        // of the first segment, where it has more than two
  ClosedStreams before;  // of the connection between the same ends that was closed before
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
  bool outer_8021q = false;
  uint8_t vlan_count = 0;
  std::array<uint16_t, 2> vlans = {};  // of the first segment; more than two: in `rare`
  std::unique_ptr<HalfOpenRare> rare;
};

struct Flow {
  static constexpr uint32_t kNone = UINT32_MAX;

  FlowKey key;
  ListLinks links;
  FlowId id = 0;
  TcpStream streams[2];  // by Direction
  bool client_is_high = false;
  bool reset = false;       // an accepted RST: lingers for what is under way
  bool superseded = false;  // a newer flow of the same ends was opened beside it
  uint32_t next_sibling = kNone;
  TimeNs first_time_ns = 0;
  TimeNs last_time_ns = 0;
  TimeNs reset_ns = 0;
  TimeNs touched_ns = kTimeMin;   // when it last moved in its list
  TimeNs reminded_ns = kTimeMax;  // the reminder that counts
  uint32_t reminder_serial = 0;
  VlanTags vlans;  // that were told of
  FlowHistory history;
  // A SYN that contradicts the flow and waits for an answer.
  struct SynCandidate {
    bool known = false;
    bool from_high = false;
    bool is_answer = false;  // a SYN-ACK: its sender is the server
    uint32_t isn = 0;
    TimeNs time_ns = 0;
  } candidate;
  // Segments of the same ends that fit no flow; of the newest sibling only.
  std::unique_ptr<StrayRun> strays;
  // The sibling that was closed last.
  std::unique_ptr<ClosedStreams> closed_sibling;
};

struct Tombstone {
  FlowKey key;
  ListLinks links;
  TimeNs closed_ns = 0;
  FlowId id = 0;
  bool may_go_on = false;  // closed as idle or evicted
  bool client_is_high = false;
  ClosedStreams streams;
};

enum class EntryKind : uint8_t { kHalfOpen, kFlow, kTombstone };

struct TableEntry {
  uint32_t index = 0;
  EntryKind kind = EntryKind::kHalfOpen;
};

class FlowTable {
 public:
  FlowTable() : entries_(0, EntryHash{this}, EntryEqual{this}) {}
  FlowTable(const FlowTable&) = delete;
  FlowTable& operator=(const FlowTable&) = delete;

  std::optional<TableEntry> Find(const FlowKey& key) const;
  // The key must be free.
  uint32_t AddHalfOpen(const FlowKey& key);
  uint32_t AddTombstone(const FlowKey& key);
  // The key must be free, or a flow's: then the new one stands before it.
  uint32_t AddFlow(const FlowKey& key);
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
  // The set holds indexes only: the key stands once, in the object.
  struct EntryHash {
    using is_transparent = void;
    const FlowTable* table;
    size_t operator()(const FlowKey& key) const { return absl::Hash<FlowKey>()(key); }
    size_t operator()(TableEntry entry) const { return (*this)(table->KeyOf(entry)); }
  };
  struct EntryEqual {
    using is_transparent = void;
    const FlowTable* table;
    bool operator()(TableEntry a, TableEntry b) const { return table->KeyOf(a) == table->KeyOf(b); }
    bool operator()(TableEntry a, const FlowKey& b) const { return table->KeyOf(a) == b; }
    bool operator()(const FlowKey& a, TableEntry b) const { return table->KeyOf(b) == a; }
  };

  const FlowKey& KeyOf(TableEntry entry) const;

  absl::flat_hash_set<TableEntry, EntryHash, EntryEqual> entries_;
  Shelf<HalfOpen> half_open_;
  Shelf<Flow> flows_;
  Shelf<Tombstone> tombstones_;
};

}  // namespace flowstitch

#endif  // FLOWSTITCH_REASSEMBLER_FLOWS_FLOW_TABLE_H_
