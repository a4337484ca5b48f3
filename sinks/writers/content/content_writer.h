// The http writer: bodies of requests and responses as files beside the flow's file, named
// NAME-HTTPBODY-001.html by the message's number in its direction; WebSocket messages
// (NAME-WEBSOCKET-001.txt); heads (NAME-HTTP); what TLS hid (NAME-TLS, NAME-TLS-HTTPBODY-001.html),
// where there are keys.
#ifndef FLOWSTITCH_SINKS_WRITERS_CONTENT_CONTENT_WRITER_H_
#define FLOWSTITCH_SINKS_WRITERS_CONTENT_CONTENT_WRITER_H_

#include <memory>

#include "base/direction.h"
#include "sinks/streams/writer.h"
#include "sinks/writers/content/content_layer.h"

namespace flowstitch {

class ContentWriter : public Writer {
 public:
  // Runs behind the writer that names the streams. `content` may be null, as in BodyFileOptions.
  ContentWriter(const ContentOptions& options, std::unique_ptr<ContentNames> content,
                size_t state_slot, SinkLedger* ledger);

  void OnBytes(SinkFlow& flow, Direction direction, uint64_t offset, ByteView bytes, TimeNs time_ns,
               BatchHold* hold) override;
  void OnGap(SinkFlow& flow, Direction direction, const GapRecord& gap) override;
  void OnClosed(SinkFlow& flow) override;

  std::vector<std::string> Endings() const override;
  absl::Status status() const override { return context_.status; }

 private:
  struct State : WriterState {
    State(ContentContext* context, SinkFlow* flow) : layer(context, flow, "", 0) {}
    ContentLayer layer;
  };
  ContentLayer& LayerOf(SinkFlow& flow);

  const size_t slot_;
  const std::unique_ptr<ContentNames> content_;
  ContentContext context_;
};

}  // namespace flowstitch

#endif  // FLOWSTITCH_SINKS_WRITERS_CONTENT_CONTENT_WRITER_H_
