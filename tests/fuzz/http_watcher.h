// Holds HTTP events against their contract: a head before its body, an end for each head.
#ifndef FLOWSTITCH_TESTS_FUZZ_HTTP_WATCHER_H_
#define FLOWSTITCH_TESTS_FUZZ_HTTP_WATCHER_H_

#include <map>
#include <memory>

#include "sinks/content/http/content_coding.h"
#include "sinks/content/http/http_events.h"
#include "tests/fuzz/fuzz.h"

namespace flowstitch::testing {

class HttpWatcher : public HttpEvents {
 public:
  void OnHead(HttpMessageId id, const HttpHead& head) override {
    Must(!Open(id), "a head ends the message before");
    auto& decoder = open_[Key(id)];
    MakeContentDecoder(head.content_encoding, {}, &decoder).IgnoreError();
  }
  void OnBody(HttpMessageId id, ByteView bytes, uint64_t) override {
    Must(Open(id), "a body has a head");
    body_bytes += bytes.size();
    auto& decoder = open_[Key(id)];
    if (decoder == nullptr) return;
    const auto out = [this](ByteView decoded) {
      decoded_ += decoded.size();
      return decoded_ < (4 << 20) ? absl::OkStatus() : absl::ResourceExhaustedError("enough");
    };
    if (!decoder->Feed(bytes, out).ok()) decoder = nullptr;
  }
  void OnBodyGap(HttpMessageId id, uint64_t) override { Must(Open(id), "a gap has a head"); }
  void OnEnd(HttpMessageId id, bool, std::string_view) override {
    Must(Open(id), "an end has a head");
    open_.erase(Key(id));
  }
  void OnWebSocketMessage(Direction direction, const WebSocketMessage&) override {
    Must(!message_[direction], "a message ends the one before");
    message_[direction] = true;
  }
  void OnWebSocketBytes(Direction direction, ByteView, uint64_t) override {
    Must(message_[direction], "bytes have a message");
  }
  void OnWebSocketGap(Direction direction, uint64_t) override {
    Must(message_[direction], "a gap has a message");
  }
  void OnWebSocketEnd(Direction direction, bool, std::string_view) override {
    Must(message_[direction], "an end has a message");
    message_[direction] = false;
  }
  void Finish() const {
    Must(open_.empty() && !message_[0] && !message_[1], "everything has an end");
  }
  uint64_t body_bytes = 0;

 private:
  static uint64_t Key(HttpMessageId id) {
    return uint64_t{id.stream} << 1 | static_cast<uint64_t>(id.kind);
  }
  bool Open(HttpMessageId id) const { return open_.count(Key(id)) != 0; }

  std::map<uint64_t, std::unique_ptr<ContentDecoder>> open_;
  bool message_[2] = {};
  uint64_t decoded_ = 0;
};

// A frame of HTTP/2.
inline std::string Http2Frame(uint8_t type, uint8_t flags, uint8_t stream,
                              const std::string& payload) {
  std::string out{
      0, 0, static_cast<char>(payload.size()), static_cast<char>(type), static_cast<char>(flags), 0,
      0, 0, static_cast<char>(stream)};
  return out + payload;
}

// HPACK from the static table: ":method: GET", ":scheme: http", ":path: /"; ":status: 200".
inline constexpr char kHttp2RequestHead[] = "\x82\x86\x84";
inline constexpr char kHttp2ResponseHead[] = "\x88";

}  // namespace flowstitch::testing

#endif  // FLOWSTITCH_TESTS_FUZZ_HTTP_WATCHER_H_
