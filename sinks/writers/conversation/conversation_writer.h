// Both directions of a flow in one file, in the order in which their bytes were captured:
// NAME-CONVERSATION, and beside it NAME-CONVERSATION.findx, whose lines tell who said what:
// "OFFSET|SECONDS.MICROSECONDS|BYTES|client" or "…|server".
#ifndef FLOWSTITCH_SINKS_WRITERS_CONVERSATION_CONVERSATION_WRITER_H_
#define FLOWSTITCH_SINKS_WRITERS_CONVERSATION_CONVERSATION_WRITER_H_

#include "absl/container/flat_hash_set.h"
#include "absl/status/status.h"
#include "base/direction.h"
#include "base/ledger.h"
#include "sinks/records/record_hub.h"
#include "sinks/streams/append_file.h"
#include "sinks/streams/digests.h"
#include "sinks/streams/stream_names.h"
#include "sinks/streams/writer.h"

namespace flowstitch {

inline constexpr char kConversationEnding[] = "-CONVERSATION";

class ConversationWriter : public Writer {
 public:
  // `names`, `records` and `ledger` outlive the writer. Of each direction at most `max_bytes` are
  // taken (-1: all).
  ConversationWriter(size_t state_slot, const DigestChoice& digests, int64_t max_bytes,
                     StreamNames* names, RecordHub* records, SinkLedger* ledger)
      : slot_(state_slot),
        digests_(digests),
        max_bytes_(max_bytes),
        names_(names),
        records_(records),
        ledger_(ledger) {}

  void OnBytes(SinkFlow& flow, Direction direction, uint64_t offset, ByteView bytes, TimeNs time_ns,
               BatchHold* hold) override;
  void OnClosed(SinkFlow& flow) override;
  std::vector<std::string> Endings() const override { return {kConversationEnding}; }
  bool buffers() const override { return true; }
  void Flush() override;
  absl::Status status() const override { return status_; }

 private:
  struct State : WriterState {
    explicit State(const std::string& path) : file(path), index(path + ".findx") {}
    AppendFile file;
    AppendFile index;
    uint64_t length = 0;
    std::unique_ptr<Digests> digests;
  };
  void Note(const absl::Status& status) {
    if (status_.ok()) status_ = status;
  }

  const size_t slot_;
  const DigestChoice digests_;
  const int64_t max_bytes_;
  StreamNames* const names_;
  RecordHub* const records_;
  SinkLedger* const ledger_;
  absl::flat_hash_set<State*> waiting_;
  absl::Status status_;
};

}  // namespace flowstitch

#endif  // FLOWSTITCH_SINKS_WRITERS_CONVERSATION_CONVERSATION_WRITER_H_
