// HTTP as people read it: heads as they were sent, bodies without transfer and content codings.
// What is not HTTP passes unchanged.
#ifndef FLOWSTITCH_SINKS_WRITERS_CONSOLE_HTTP_TEXT_H_
#define FLOWSTITCH_SINKS_WRITERS_CONSOLE_HTTP_TEXT_H_

#include <functional>
#include <memory>
#include <string>

#include "absl/container/flat_hash_map.h"
#include "base/direction.h"
#include "sinks/content/http/content_coding.h"
#include "sinks/content/http/http_dialogue.h"

namespace flowstitch {

class HttpText : private HttpEvents {
 public:
  using Print = std::function<void(Direction direction, ByteView text, TimeNs time_ns)>;
  // `config` carries fields, and outlives this.
  HttpText(const HttpParserConfig& config, bool from_start, Print print)
      : print_(std::move(print)),
        dialogue_(config, DecodeLimits(), this, /*opens_websockets=*/false, from_start) {}

  HttpDialogue& dialogue() { return dialogue_; }
  void Close(const SinkFlow& flow) {
    dialogue_.Close({flow.ended_in_order(kClientToServer), flow.ended_in_order(kServerToClient)});
  }

 private:
  void OnHead(HttpMessageId id, const HttpHead& head) override;
  void OnBody(HttpMessageId id, ByteView bytes, uint64_t offset) override;
  void OnBodyGap(HttpMessageId /*id*/, uint64_t /*length*/) override {}
  void OnEnd(HttpMessageId id, bool complete, std::string_view why) override;
  void OnOther(Direction direction, ByteView bytes, uint64_t /*offset*/) override {
    Show(direction, bytes);
  }
  void OnUnused(HttpKind kind, ByteView bytes) override {
    Show(dialogue_.DirectionOf(kind), bytes);
  }
  void Show(Direction direction, ByteView bytes) { print_(direction, bytes, dialogue_.now_ns()); }

  const Print print_;
  HttpDialogue dialogue_;
  // By HttpKind and stream; what is not here is printed as it is.
  absl::flat_hash_map<uint32_t, std::unique_ptr<ContentDecoder>> decoders_[2];
};

}  // namespace flowstitch

#endif  // FLOWSTITCH_SINKS_WRITERS_CONSOLE_HTTP_TEXT_H_
