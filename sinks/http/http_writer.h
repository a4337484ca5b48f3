// The http writer: bodies of requests and responses as files beside the flow's file, named
// NAME-HTTPBODY-001.html by the message's number in its direction.
#ifndef FLOWSTITCH_SINKS_HTTP_HTTP_WRITER_H_
#define FLOWSTITCH_SINKS_HTTP_HTTP_WRITER_H_

#include "absl/status/status.h"
#include "base/ledger.h"
#include "sinks/digests.h"
#include "sinks/http/http_parser.h"
#include "sinks/sink_flow.h"

namespace flowstitch {

class HttpWriter : public Writer {
 public:
  // Runs behind the writer that names the streams.
  HttpWriter(const DigestChoice& digests, size_t state_slot, SinkLedger* ledger);

  void OnBytes(SinkFlow& flow, int direction, uint64_t offset, ByteView bytes, TimeNs time_ns,
               BatchHold* hold) override;
  void OnGap(SinkFlow& flow, int direction, const GapRecord& gap) override;
  void OnClosed(SinkFlow& flow) override;

  const absl::Status& status() const { return status_; }

 private:
  class Conversation;
  Conversation* Of(SinkFlow& flow);

  const DigestChoice digests_;
  const size_t slot_;
  SinkLedger* const ledger_;
  HttpParserConfig config_;
  absl::Status status_;
};

}  // namespace flowstitch

#endif  // FLOWSTITCH_SINKS_HTTP_HTTP_WRITER_H_
