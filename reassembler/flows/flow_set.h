// The open flows, and what is remembered of closed ones: opening, closing, limits.
#ifndef FLOWSTITCH_REASSEMBLER_FLOWS_FLOW_SET_H_
#define FLOWSTITCH_REASSEMBLER_FLOWS_FLOW_SET_H_

#include "reassembler/flows/half_opens.h"
#include "reassembler/flows/tcp_core.h"

namespace flowstitch {

// How a flow is opened.
struct FlowOpening {
  bool client_is_high = false;
  OpenedBy opened_by = OpenedBy::kGuess;
  TimeNs first_time_ns = 0;
  bool mid_stream = false;
  const Tombstone* continues = nullptr;
  bool unconfirmed = false;
  const VlanTags* vlans = nullptr;  // of the first segment; null: of this one
};

class FlowSet {
 public:
  FlowSet(TcpCore* core, HalfOpens* half_opens) : core_(*core), half_opens_(*half_opens) {}

  uint32_t Open(const Segment& segment, const FlowOpening& opening);
  // By a segment that is not its first; who is the client is a guess.
  uint32_t OpenInTheMiddle(const Segment& segment);
  void Close(uint32_t index, CloseReason reason);
  // Gives up holes whose time has come, and closes the flow when it is over. False when it is
  // closed.
  bool Check(uint32_t index);
  // Why it would be closed now.
  static CloseReason ReasonSoFar(const Flow& flow);
  // When a tombstone is forgotten.
  TimeNs DueNs(const Tombstone& tombstone) const;
  // Of the tables; after something was added.
  void EnforceLimits();
  // Books what strays hold, and drops them.
  void NoteStrays(const StrayRun& strays, bool kept);
  void DropStrays(Flow& flow);

 private:
  void Remember(const Tombstone& memory);
  void EnforceSiblings(const FlowKey& key);

  TcpCore& core_;
  HalfOpens& half_opens_;
};

}  // namespace flowstitch

#endif  // FLOWSTITCH_REASSEMBLER_FLOWS_FLOW_SET_H_
