// What the HTTP parsers (HTTP/1, HTTP/2, WebSocket) tell, whichever of them it is: heads, bytes of
// bodies without transfer coding, ends. Content codings are still on.
#ifndef FLOWSTITCH_SINKS_CONTENT_HTTP_HTTP_EVENTS_H_
#define FLOWSTITCH_SINKS_CONTENT_HTTP_HTTP_EVENTS_H_

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/bytes.h"
#include "base/capture_time.h"
#include "base/direction.h"

namespace flowstitch {

enum class HttpKind : uint8_t { kRequest = 0, kResponse = 1 };

inline HttpKind OtherKind(HttpKind kind) {
  return kind == HttpKind::kRequest ? HttpKind::kResponse : HttpKind::kRequest;
}

// One message under way. HTTP/1 has one for each kind at a time (stream 0), HTTP/2 one for each
// stream.
struct HttpMessageId {
  HttpKind kind = HttpKind::kRequest;
  uint32_t stream = 0;
};

// Names as they were sent (HTTP/2: in lower case), folded lines joined.
using HttpFields = std::vector<std::pair<std::string, std::string>>;

// The value of the first field of this name, in whatever case; empty where there is none.
std::string FieldValue(const HttpFields& fields, std::string_view name);

// What is kept of a head while its message is under way: longer values are cut there. A head's
// `fields` are whole.
inline constexpr size_t kMaxTargetBytes = 8 << 10;
inline constexpr size_t kMaxValueBytes = 1 << 10;

struct HttpHead {
  // Cuts the values above to their limits.
  void Shorten();

  uint32_t interims = 0;  // interim responses (1xx) before this one that have no event of their own
  int status = 0;         // of a response
  std::string method;     // of the request; of a response's request where it was seen
  std::string target;     // likewise
  std::string host;       // likewise
  std::string version;    // "HTTP/1.1"
  std::string reason;     // of the response
  std::string content_type;
  std::string content_encoding;  // several fields joined by commas
  std::string transfer_coding;   // other than "chunked": what stands for it, such as "gzip"
  std::string content_range;     // of a 206
  std::string content_disposition;
  std::string validator;  // ETag, else Last-Modified
  // Of a response whose end something else tells: what its Content-Length says.
  std::optional<uint64_t> other_length;
  // HTTP/1: of a request, its number among those of the flow. Of a response, the number of the
  // request that it answers, where `in_order` does not say it: it answers the first one that has no
  // answer. Absent: nobody can tell.
  std::optional<uint64_t> exchange;
  bool in_order = true;
  // The whole head; only when the configuration asks for it.
  HttpFields fields;
};

// A head as it would be in HTTP/1.
std::string HeadText(HttpKind kind, const HttpHead& head);

// A message of a WebSocket (RFC 6455).
struct WebSocketMessage {
  bool binary = false;
  bool deflated = false;  // RFC 7692
};

struct UnreadStretch {
  uint64_t offset = 0;
  std::optional<uint64_t> end;  // absent: up to the stream's end
  std::string_view why;
};

class HttpEvents {
 public:
  virtual ~HttpEvents() = default;
  virtual void OnHead(HttpMessageId id, const HttpHead& head) = 0;
  // `offset` is that of the bytes in the stream.
  virtual void OnBody(HttpMessageId id, ByteView bytes, uint64_t offset) = 0;
  virtual void OnBodyGap(HttpMessageId id, uint64_t length) = 0;
  virtual void OnTrailers(HttpMessageId /*id*/, const HttpFields& /*fields*/) {}
  // `complete`: everything that the head announced was there. `why` says, for people, what is
  // wrong with it; empty where nothing is known to be.
  virtual void OnEnd(HttpMessageId id, bool complete, std::string_view why) = 0;
  // WebSocket: a message begins, goes on (already inflated), ends. One at a time and direction.
  virtual void OnWebSocketMessage(Direction /*direction*/, const WebSocketMessage& /*message*/) {}
  virtual void OnWebSocketBytes(Direction /*direction*/, ByteView /*bytes*/, uint64_t /*offset*/) {}
  virtual void OnWebSocketGap(Direction /*direction*/, uint64_t /*length*/) {}
  virtual void OnWebSocketEnd(Direction /*direction*/, bool /*complete*/,
                              std::string_view /*why*/) {}
  // Bytes of a direction that is not HTTP, or no longer: a CONNECT's tunnel, another protocol.
  virtual void OnOther(Direction /*direction*/, ByteView /*bytes*/, uint64_t /*offset*/) {}
  virtual void OnOtherGap(Direction /*direction*/, uint64_t /*length*/) {}
  // Bytes of a message that came to nothing: its head has no end, or what follows is not HTTP. Only
  // when heads carry their fields.
  virtual void OnUnused(HttpKind /*kind*/, ByteView /*bytes*/) {}
  // A stretch of a direction that is HTTP otherwise was not read; why, for people.
  virtual void OnUnread(Direction /*direction*/, const UnreadStretch& /*stretch*/) {}
  // Whether what came as OnOther is being read as something else.
  virtual bool reads_other() const { return false; }
};

}  // namespace flowstitch

#endif  // FLOWSTITCH_SINKS_CONTENT_HTTP_HTTP_EVENTS_H_
