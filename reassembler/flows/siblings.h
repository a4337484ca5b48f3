// Several flows between the same ends: which one a segment belongs to, SYNs that contradict an open
// flow, and segments that fit none.
#ifndef FLOWSTITCH_REASSEMBLER_FLOWS_SIBLINGS_H_
#define FLOWSTITCH_REASSEMBLER_FLOWS_SIBLINGS_H_

#include "absl/functional/function_ref.h"
#include "reassembler/flows/flow_feed.h"
#include "reassembler/flows/flow_set.h"
#include "reassembler/flows/tcp_core.h"

namespace flowstitch {

class Siblings {
 public:
  // Takes a segment anew, where what it met has changed.
  using Dispatch = absl::FunctionRef<void(const Segment&)>;

  Siblings(TcpCore* core, FlowSet* flows, FlowFeed* feed)
      : core_(*core), flows_(*flows), feed_(*feed) {}

  // A segment between the ends of open flows; `newest`: of these.
  void OnSegment(uint32_t newest, const Segment& segment, Dispatch dispatch);

 private:
  uint32_t Find(uint32_t newest, const Segment& segment) const;
  uint32_t FindOwn(uint32_t newest, const Segment& segment) const;
  bool OnSyn(uint32_t newest, uint32_t index, const Segment& segment, Dispatch dispatch);
  void Replace(uint32_t newest, CloseReason reason, const Segment& segment, Dispatch dispatch);
  bool ConfirmsCandidate(const Flow& flow, const Segment& segment) const;
  static void NoteCandidate(Flow& flow, const Segment& segment);
  void OpenCandidate(uint32_t index, const Segment& segment);
  void OnStray(uint32_t newest, const Segment& segment, Dispatch dispatch);
  bool IsOfClosed(const Flow& flow, const Segment& segment) const;
  void AddStray(Flow& flow, const Segment& segment);
  void OpenStrays(Flow& flow, const Segment& segment, Dispatch dispatch);

  TcpCore& core_;
  FlowSet& flows_;
  FlowFeed& feed_;
};

}  // namespace flowstitch

#endif  // FLOWSTITCH_REASSEMBLER_FLOWS_SIBLINGS_H_
