// Takes what writers find, tells each consumer of it once, and keeps what belongs into the record
// of its flow until that closes. One for each worker, in its thread alone.
#ifndef FLOWSTITCH_SINKS_RECORDS_RECORD_HUB_H_
#define FLOWSTITCH_SINKS_RECORDS_RECORD_HUB_H_

#include <memory>
#include <string>
#include <vector>

#include "base/direction.h"
#include "base/ledger.h"
#include "sinks/records/record_consumer.h"
#include "sinks/records/record_output.h"

namespace flowstitch {

class RecordHub {
 public:
  // Nobody is told.
  RecordHub() = default;
  // `state_slot`: its place in SinkFlow::states. `ledger` outlives the hub, and so do `outputs`,
  // which may be null.
  RecordHub(size_t state_slot, const RecordOutputs* outputs, SinkLedger* ledger);

  bool wants_flows() const { return wants_flows_; }
  bool wants_transactions() const { return wants_transactions_; }
  bool buffers() const { return buffers_; }

  void Gap(SinkFlow& flow, Direction direction, const GapRecord& gap);
  void Conflict(SinkFlow& flow, Direction direction, const ConflictRecord& conflict);
  void StreamFileBegun(const std::string& path);
  void StreamFile(SinkFlow& flow, Direction direction, StreamFileRecord file);
  void Conversation(SinkFlow& flow, ConversationRecord conversation);
  void BodyBegun(const std::string& path);
  void Body(SinkFlow& flow, Direction direction, BodyRecord body);
  void Range(SinkFlow& flow, RangeRecord range);
  void Transaction(SinkFlow& flow, const HttpTransaction& transaction);
  void Unread(SinkFlow& flow, Direction direction, UnreadRecord stretch);
  void Plain(SinkFlow& flow, Direction direction, PlainRecord plain);
  void Proxy(SinkFlow& flow, ProxyRecord proxy);
  // What one writer read of a handshake; another may have read more of it, or less.
  void Tls(SinkFlow& flow, const TlsFacts& facts);
  // When all writers are done with the flow.
  void Closed(SinkFlow& flow);
  void Missing(uint64_t close_order);

  void OnBatchDone();
  void Flush();

 private:
  struct State : WriterState {
    explicit State(const SinkFlow* flow) : record(flow) {}
    FlowRecord record;
  };
  bool nobody() const { return consumers_.empty(); }
  FlowRecord& Of(SinkFlow& flow);
  template <typename Record>
  void List(SinkFlow& flow, Direction direction, std::vector<Record> FlowRecord::Stream::*list,
            Record record);

  size_t slot_ = 0;
  bool wants_flows_ = false;
  bool wants_transactions_ = false;
  bool buffers_ = false;
  std::vector<std::unique_ptr<RecordConsumer>> consumers_;
};

}  // namespace flowstitch

#endif  // FLOWSTITCH_SINKS_RECORDS_RECORD_HUB_H_
