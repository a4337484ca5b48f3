// A segment into the two streams of its flow.
#ifndef FLOWSTITCH_REASSEMBLER_FLOWS_FLOW_FEED_H_
#define FLOWSTITCH_REASSEMBLER_FLOWS_FLOW_FEED_H_

#include "reassembler/flows/flow_set.h"
#include "reassembler/flows/tcp_core.h"

namespace flowstitch {

class FlowFeed {
 public:
  FlowFeed(TcpCore* core, FlowSet* flows) : core_(*core), flows_(*flows) {}

  // A segment of an open flow, or the first one of a new flow.
  void Feed(uint32_t index, const Segment& segment);
  // The SYN that an attempt remembers, into the flow that comes of it; `payload` may be null.
  void FeedSyn(uint32_t index, Direction direction, const HalfOpen& half, uint32_t isn,
               const SynPayload* payload);

 private:
  Segment RestOf(const Segment& segment);
  void FeedReset(uint32_t index, const Segment& segment);
  void FeedStreams(uint32_t index, const Segment& segment);

  TcpCore& core_;
  FlowSet& flows_;
};

}  // namespace flowstitch

#endif  // FLOWSTITCH_REASSEMBLER_FLOWS_FLOW_FEED_H_
