// Attempts to connect, and what becomes of them: a flow, a refusal, or nothing.
#ifndef FLOWSTITCH_REASSEMBLER_FLOWS_ATTEMPTS_H_
#define FLOWSTITCH_REASSEMBLER_FLOWS_ATTEMPTS_H_

#include "reassembler/flows/flow_feed.h"
#include "reassembler/flows/flow_set.h"
#include "reassembler/flows/half_opens.h"
#include "reassembler/flows/tcp_core.h"

namespace flowstitch {

class Attempts {
 public:
  Attempts(TcpCore* core, HalfOpens* half_opens, FlowSet* flows, FlowFeed* feed)
      : core_(*core), half_opens_(*half_opens), flows_(*flows), feed_(*feed) {}

  // A SYN or its answer, between ends that have nothing else.
  void OnFirst(const Segment& segment);
  // A segment between the ends of an attempt.
  void OnSegment(uint32_t index, const Segment& segment);
  // Nobody answered it in time, or before the capture ended.
  void Expire(uint32_t index, CloseReason reason);

 private:
  bool IsOfBefore(const HalfOpen& half, const Segment& segment) const;
  void OnReset(uint32_t index, const Segment& segment);
  void OnSyn(uint32_t index, const Segment& segment);
  uint32_t Promote(uint32_t index, const Segment& segment);
  void FeedSyn(uint32_t index, Direction direction, HalfOpen* half, uint32_t isn);

  TcpCore& core_;
  HalfOpens& half_opens_;
  FlowSet& flows_;
  FlowFeed& feed_;
};

}  // namespace flowstitch

#endif  // FLOWSTITCH_REASSEMBLER_FLOWS_ATTEMPTS_H_
