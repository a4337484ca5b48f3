// Bytes as both directions of a flow, with gaps, through everything that looks for HTTP: HTTP/1 and
// its codings, HTTP/2, WebSockets, tunnels.
#include <algorithm>
#include <map>

#include "sinks/http/content_coding.h"
#include "sinks/http/http_dialogue.h"
#include "tests/fuzz/fuzz.h"

using namespace flowstitch;
using namespace flowstitch::testing;

namespace {

// Holds the events against the contract: a head before its body, an end for each head.
class Watcher : public HttpEvents {
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
  void OnWebSocketMessage(int direction, const WebSocketMessage&) override {
    Must(!message_[direction], "a message ends the one before");
    message_[direction] = true;
  }
  void OnWebSocketBytes(int direction, ByteView, uint64_t) override {
    Must(message_[direction], "bytes have a message");
  }
  void OnWebSocketEnd(int direction, bool, std::string_view) override {
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

}  // namespace

// Pieces: one byte says which side and how long, from 0xfe on it is a gap.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  static const HttpParserConfig config(true);
  Watcher events;
  HttpDialogue dialogue(config, {}, &events);
  SinkFlow flow;
  flow.close_reason = size % 2 == 0 ? "finished" : "idle";
  uint64_t offsets[2] = {};
  while (size > 0) {
    const uint8_t head = *data;
    ++data;
    --size;
    const int direction = head & 1;
    uint64_t& offset = offsets[direction];
    if (head >= 0xfe) {
      dialogue.Gap(direction, 10);
      offset += 10;
      continue;
    }
    const size_t n = std::min<size_t>(size, head >> 1);
    dialogue.Bytes(direction, offset, {data, n}, 0);
    offset += n;
    data += n;
    size -= n;
  }
  dialogue.Close(flow);
  events.Finish();
  Must(events.body_bytes <= offsets[0] + offsets[1], "bodies lie in the streams");
  return 0;
}

std::vector<std::string> flowstitch::testing::FuzzSeeds() {
  const auto pieces = [](bool response, const std::string& text) {
    std::string out;
    for (size_t at = 0; at < text.size(); at += 126) {
      const std::string piece = text.substr(at, 126);
      out += static_cast<char>(piece.size() << 1 | (response ? 1 : 0));
      out += piece;
    }
    return out;
  };
  const std::string get = pieces(false, "GET / HTTP/1.1\r\nHost: h\r\n\r\n");
  const std::string gzip("\x1f\x8b\x08\0\0\0\0\0\0\3\xcbH\xcd\xc9\xc9\7\0\x86\xa6\x10\x36\5\0\0\0",
                         25);
  const auto frame = [](uint8_t type, uint8_t flags, uint8_t stream, const std::string& payload) {
    std::string out{0,
                    0,
                    static_cast<char>(payload.size()),
                    static_cast<char>(type),
                    static_cast<char>(flags),
                    0,
                    0,
                    0,
                    static_cast<char>(stream)};
    return out + payload;
  };
  // HPACK from the static table: ":method: GET", ":scheme: http", ":path: /"; ":status: 200".
  const std::string request_head = "\x82\x86\x84";
  const std::string response_head = "\x88";
  const std::string client2 = std::string(kHttp2Preface) + frame(4, 0, 0, "") +
                              frame(1, 5, 1, request_head) + frame(1, 4, 3, request_head) +
                              frame(0, 9, 3, std::string("\2up\0\0", 5));
  const std::string server2 =
      frame(4, 0, 0, "") + frame(5, 4, 1, std::string("\0\0\0\2", 4) + request_head) +
      frame(1, 4, 1, response_head) + frame(0, 1, 1, "hello") + frame(1, 0, 3, response_head) +
      frame(9, 4, 3, "") + frame(3, 0, 3, "abcd");
  const std::string upgrade =
      "GET /chat HTTP/1.1\r\nHost: h\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n";
  const std::string upgraded =
      "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
      "Sec-WebSocket-Extensions: permessage-deflate\r\n\r\n";
  return {
      get + pieces(true, "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello"),
      get + pieces(true,
                   "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n"),
      get + pieces(true, "HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 25\r\n\r\n" +
                             gzip),
      get + pieces(true, "HTTP/1.1 200 OK\r\nContent-Length: 30\r\n\r\nabc") + "\xff" +
          pieces(true, "more of the body"),
      get + pieces(true, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n20\r\nabc") +
          "\xff" + pieces(true, "more of the chunk"),
      pieces(false,
             "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\nExpect: 100-continue\r\n\r\nabc") +
          pieces(true, "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 204 No Content\r\n\r\n"),
      pieces(false, "CONNECT h:1 HTTP/1.1\r\nHost: h\r\n\r\n") +
          pieces(true, "HTTP/1.1 200 OK\r\n\r\n") + get +
          pieces(true, "HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\ntunnel"),
      get + get +
          pieces(true, "HTTP/1.0 200 OK\r\nContent-Encoding: deflate, br\r\n\r\nuntil the end"),
      pieces(false, "GET /old\r\n") + pieces(true, "an answer without a head"),
      pieces(false, client2) + pieces(true, server2),
      pieces(false, upgrade) + pieces(true, upgraded) +
          pieces(false, std::string("\x81\x82\1\2\3\4\x69\x6b", 8)) +
          pieces(true, std::string("\xc1\x07\xf2\x48\xcd\xc9\xc9\x07\x00", 9)),
      pieces(false, "GET / HTTP/1.1\r\nHost: h\r\nUpgrade: h2c\r\nHTTP2-Settings: AAA\r\n\r\n") +
          pieces(true, "HTTP/1.1 101 Switching Protocols\r\nUpgrade: h2c\r\n\r\n" + server2) +
          pieces(false, std::string(kHttp2Preface) + frame(4, 0, 0, "")),
  };
}
