// HTTP/1 as people read it: heads as they were sent, bodies without transfer and content codings.
// What is not HTTP passes unchanged.
#ifndef FLOWSTITCH_SINKS_CONSOLE_HTTP_TEXT_H_
#define FLOWSTITCH_SINKS_CONSOLE_HTTP_TEXT_H_

#include <functional>
#include <memory>
#include <string>

#include "sinks/http/content_coding.h"
#include "sinks/http/http_dialogue.h"

namespace flowstitch {

class HttpText : public WriterState, private HttpEvents {
 public:
  using Print = std::function<void(int direction, ByteView text, TimeNs time_ns)>;
  // `config` carries fields, and outlives this.
  HttpText(const HttpParserConfig& config, Print print)
      : print_(std::move(print)), dialogue_(config, this) {}

  HttpDialogue& dialogue() { return dialogue_; }
  void Close(const SinkFlow& flow) { dialogue_.Close(flow); }

 private:
  void OnHead(HttpKind kind, const HttpHead& head) override;
  void OnBody(HttpKind kind, ByteView bytes, uint64_t offset) override;
  void OnBodyGap(HttpKind /*kind*/, uint64_t /*length*/) override {}
  void OnEnd(HttpKind kind, bool complete) override;
  void OnOther(int direction, ByteView bytes) override;
  void OnUnused(HttpKind kind, ByteView bytes) override {
    OnOther(dialogue_.DirectionOf(kind), bytes);
  }

  const Print print_;
  HttpDialogue dialogue_;
  std::unique_ptr<ContentDecoder> decoders_[2];  // by HttpKind; null: as it is
};

}  // namespace flowstitch

#endif  // FLOWSTITCH_SINKS_CONSOLE_HTTP_TEXT_H_
