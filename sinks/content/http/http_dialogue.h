// Both directions of a flow, or of what TLS or a tunnel carries: whether they speak HTTP/1 or
// HTTP/2, told by their first bytes, and what they go on with: the tunnel of a CONNECT, HTTP/2 or a
// WebSocket after an upgrade. Where HTTP/1 cannot be read any further, or something else came
// before it, it is read from the next message on that certainly begins (http_dialogue_resume.cc).
#ifndef FLOWSTITCH_SINKS_CONTENT_HTTP_HTTP_DIALOGUE_H_
#define FLOWSTITCH_SINKS_CONTENT_HTTP_HTTP_DIALOGUE_H_

#include <list>
#include <memory>
#include <optional>
#include <string>

#include "base/direction.h"
#include "sinks/content/http/http2_parser.h"
#include "sinks/content/http/http_exchanges.h"
#include "sinks/content/http/http_parser.h"
#include "sinks/content/http/websocket_parser.h"
#include "sinks/streams/sink_flow.h"

namespace flowstitch {

class HttpDialogue {
 public:
  // CONNECTs inside of CONNECTs that are followed.
  static constexpr int kMaxTunnels = 4;

  // `config` and `events` outlive the dialogue. Without `opens_websockets` their frames are bytes
  // of something else. `from_start`: what comes is the first that the ends sent.
  HttpDialogue(const HttpParserConfig& config, const DecodeLimits& limits, HttpEvents* events,
               bool opens_websockets = true, bool from_start = true);

  // `acknowledged`: how much of the other direction the sender had; absent: not known.
  void Bytes(Direction direction, uint64_t offset, ByteView bytes, TimeNs time_ns,
             std::optional<uint64_t> acknowledged = std::nullopt);
  void Gap(Direction direction, uint64_t length);
  // `orderly`, by direction: that end said that there is no more, so that a body without a length
  // is complete.
  void Close(const bool (&orderly)[2]);

  // What it holds, about.
  size_t memory_bytes() const;
  Direction DirectionOf(HttpKind kind) const {
    return kind == HttpKind::kRequest ? client_ : Opposite(client_);
  }
  TimeNs now_ns() const { return now_ns_; }
  // Whether the last bytes were passed on as they came: nothing more is held.
  bool passed_on() const { return passed_on_; }

 private:
  // Dialogues before HTTP are not longer.
  static constexpr uint64_t kOpeningBytes = 16 << 10;
  enum class Speaks { kUnsure, kHttp1, kHttp2, kWebSocket, kOther };
  enum class Resumes { kNo, kUnsure, kYes };
  struct Waiting {
    uint64_t offset = 0;
    std::string bytes;
    uint64_t until = 0;  // the other side's position
    uint64_t gap = 0;    // in the place of bytes
    TimeNs time_ns = 0;
  };
  struct Side {
    Speaks speaks = Speaks::kUnsure;
    HttpKind kind = HttpKind::kRequest;
    // Bytes until it is recognised; of kOther: what may be a message's beginning.
    std::string first;
    uint64_t first_offset = 0;
    bool without_version = false;  // HTTP/0.9's request
    uint64_t position = 0;         // behind the last bytes or gap
    // HTTP/1: what reads it. The same for both sides until one cannot be read any further.
    std::shared_ptr<HttpParser> http1;
    // From where on it is not read, though it is HTTP/1, or may be; and why.
    std::optional<uint64_t> unread_from;
    const char* why_unread = "";
    // The last bytes that are missing.
    uint64_t gap_begin = 0;
    uint64_t gap_end = 0;
    bool switched = false;  // to something else: no message begins any more
    // Responses that came before the requests that their sender had.
    std::list<Waiting> waiting;
    size_t waiting_bytes = 0;
  };
  Speaks Recognise(Direction direction, HttpKind* kind);
  Speaks RecogniseOddResponse(Direction direction) const;
  void Begin(Direction direction, Speaks speaks, HttpKind kind);
  void SetClient(Direction direction);
  bool PassesOn(Direction direction, uint64_t offset) const;
  void PassOn(Direction direction, uint64_t offset, ByteView bytes) {
    passed_on_ = true;
    events_->OnOther(direction, bytes, offset);
  }
  void Feed(Direction direction, uint64_t offset, ByteView bytes);
  void TakeGap(Direction direction, uint64_t offset, uint64_t length);
  // `before`: of what came so far, what came before the last segment.
  void GiveUp(Direction direction, size_t before = 0);
  void NoteStop(Direction direction);
  void FollowSwitch(HttpParser* parser);
  Side& other(Direction direction) { return sides_[Opposite(direction)]; }
  HttpKind KindOf(Direction direction) const {
    return direction == client_ ? HttpKind::kRequest : HttpKind::kResponse;
  }

  // Whether something else than HTTP/1 is being read.
  bool is_switched() const {
    return http2_ != nullptr || websockets_[0] != nullptr ||
           (sides_[0].switched && sides_[1].switched) || events_->reads_other();
  }
  bool Waits(Direction direction, uint64_t offset, ByteView bytes,
             std::optional<uint64_t> acknowledged);
  void FeedWaiting(Direction direction, bool now = false);
  void Lose(Direction direction, uint64_t at, const char* why);
  void FeedOther(Direction direction, uint64_t offset, ByteView bytes);
  bool MayBeginAmidHttp2(Direction direction, ByteView bytes) const;
  HttpKind CandidateKind(Direction direction) const;
  Resumes MayResume(Direction direction) const;
  Resumes MayResumeUnknown(Direction direction) const;
  void Resume(Direction direction);
  bool AnotherBegins(Direction direction, uint64_t offset, ByteView bytes);
  void Restart(Direction direction);
  void DropCandidate(Direction direction);
  void GiveUnread(Direction direction, std::optional<uint64_t> end);

  const HttpParserConfig& config_;
  const DecodeLimits limits_;
  HttpEvents* const events_;
  const bool opens_websockets_;
  const bool from_start_;
  HttpExchanges exchanges_;
  Side sides_[2];
  Direction client_ = kClientToServer;  // the direction of requests
  bool is_http1_ = false;               // some message was
  bool lost_bytes_ = false;
  bool waits_no_more_ = false;
  bool passed_on_ = false;
  std::unique_ptr<Http2Parser> http2_;
  std::unique_ptr<WebSocketParser> websockets_[2];
  int tunnels_ = 0;
  TimeNs now_ns_ = 0;
};

}  // namespace flowstitch

#endif  // FLOWSTITCH_SINKS_CONTENT_HTTP_HTTP_DIALOGUE_H_
