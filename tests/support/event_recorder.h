// Keeps what a reassembler tells, so that a test can look at it: streams as text, gaps, reasons.
#ifndef FLOWSTITCH_TESTS_SUPPORT_EVENT_RECORDER_H_
#define FLOWSTITCH_TESTS_SUPPORT_EVENT_RECORDER_H_

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "reassembler/flows/reassembler.h"
#include "reassembler/flows/stream_events.h"
#include "tests/support/packet_builder.h"

namespace flowstitch::testing {

struct RecordedGap {
  uint64_t offset;
  uint64_t length;
  GapReason reason;
  friend bool operator==(const RecordedGap&, const RecordedGap&) = default;
};

struct RecordedStream {
  std::string bytes;  // gaps as NUL bytes
  std::vector<RecordedGap> gaps;
  std::vector<size_t> pieces;                                // the length of each event
  std::map<uint64_t, std::optional<uint64_t>> acknowledged;  // of each event, by its offset
  uint64_t next = 0;  // events must come without overlap and in order
  bool in_order = true;
};

struct RecordedConflict {
  uint64_t offset;
  uint64_t length;
  std::string kept;
  std::string dropped;
};

struct RecordedFlow {
  FlowInfo info;
  std::optional<std::pair<Direction, VlanTags>> other_vlans;
  RecordedStream streams[2];
  std::vector<RecordedConflict> conflicts;
  std::optional<CloseReason> close_reason;
  std::array<StreamSummary, 2> summaries;
  std::string history;

  const std::string& client() const { return streams[0].bytes; }
  const std::string& server() const { return streams[1].bytes; }
};

class EventRecorder : public StreamEvents {
 public:
  void OnFlowOpened(const FlowInfo& flow) override;
  void OnVlans(FlowId flow, Direction direction, const VlanTags& vlans) override;
  void OnBytes(FlowId flow, Direction direction, uint64_t offset, ByteView bytes,
               const BytesInfo& info) override;
  void OnGap(FlowId flow, Direction direction, uint64_t offset, uint64_t length, GapReason reason,
             TimeNs time_ns) override;
  void OnConflict(FlowId flow, Direction direction, const Conflict& conflict,
                  TimeNs time_ns) override;
  void OnFlowClosed(FlowId flow, const FlowEnd& end) override;

  // In order of opening. A flow that goes on where another ended has its bytes from there on.
  std::vector<RecordedFlow> flows;

 private:
  RecordedFlow& Of(FlowId id) { return flows[index_.at(id)]; }
  std::map<FlowId, size_t> index_;
};

// Runs packets through a reassembler to the end.
struct Outcome {
  EventRecorder events;
  ReassemblyLedger ledger;
};
Outcome Reassemble(const std::vector<CapturedPacket>& packets, const ReassemblyOptions& options);
Outcome Reassemble(const std::vector<CapturedPacket>& packets, const TcpLimits& limits = {});

}  // namespace flowstitch::testing

#endif  // FLOWSTITCH_TESTS_SUPPORT_EVENT_RECORDER_H_
