// Both directions of a flow, or of what TLS or a tunnel carries: whether they speak HTTP/1 or
// HTTP/2, told by their first bytes, and what they go on with: the tunnel of a CONNECT, HTTP/2 or a
// WebSocket after an upgrade.
#ifndef FLOWSTITCH_SINKS_HTTP_HTTP_DIALOGUE_H_
#define FLOWSTITCH_SINKS_HTTP_HTTP_DIALOGUE_H_

#include <memory>
#include <optional>
#include <string>

#include "sinks/http/http2_parser.h"
#include "sinks/http/http_parser.h"
#include "sinks/http/websocket_parser.h"
#include "sinks/sink_flow.h"

namespace flowstitch {

class HttpDialogue {
 public:
  // CONNECTs inside of CONNECTs that are followed.
  static constexpr int kMaxTunnels = 4;

  // `config` and `events` outlive the dialogue. Without `opens_websockets` their frames are bytes
  // of something else. `from_start`: what comes is the first that the ends sent.
  HttpDialogue(const HttpParserConfig& config, const DecodeLimits& limits, HttpEvents* events,
               bool opens_websockets = true, bool from_start = true);

  void Bytes(int direction, uint64_t offset, ByteView bytes, TimeNs time_ns);
  void Gap(int direction, uint64_t length);
  // `orderly`, by direction: that end said that there is no more, so that a body without a length
  // is complete.
  void Close(const bool (&orderly)[2]);

  // What it holds, about.
  size_t memory_bytes() const;
  int DirectionOf(HttpKind kind) const;
  TimeNs now_ns() const { return now_ns_; }

 private:
  enum class Speaks { kUnsure, kHttp1, kHttp2, kWebSocket, kOther };
  struct Side {
    Speaks speaks = Speaks::kUnsure;
    HttpKind kind = HttpKind::kRequest;
    std::string first;  // bytes until it is recognised
    uint64_t first_offset = 0;
    bool without_version = false;  // HTTP/0.9's request
  };
  Speaks Recognise(int direction, HttpKind* kind);
  Speaks RecogniseOddResponse(int direction) const;
  void Begin(int direction, Speaks speaks, HttpKind kind);
  void Feed(int direction, uint64_t offset, ByteView bytes);
  void GiveUp(int direction);
  void NoteStop(int direction);
  void FollowSwitch();
  Side& other(int direction) { return sides_[1 - direction]; }

  const HttpParserConfig& config_;
  const DecodeLimits limits_;
  HttpEvents* const events_;
  const bool opens_websockets_;
  const bool from_start_;
  Side sides_[2];
  std::unique_ptr<HttpParser> http1_;
  std::unique_ptr<Http2Parser> http2_;
  std::unique_ptr<WebSocketParser> websockets_[2];
  int tunnels_ = 0;
  TimeNs now_ns_ = 0;
};

}  // namespace flowstitch

#endif  // FLOWSTITCH_SINKS_HTTP_HTTP_DIALOGUE_H_
