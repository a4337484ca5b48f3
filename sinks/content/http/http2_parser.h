// HTTP/2 (RFC 9113) in both directions of a connection: frames here, HPACK (RFC 7541) through
// libnghttp2. It watches and negotiates nothing: both sides' settings are taken as they come.
#ifndef FLOWSTITCH_SINKS_CONTENT_HTTP_HTTP2_PARSER_H_
#define FLOWSTITCH_SINKS_CONTENT_HTTP_HTTP2_PARSER_H_

#include <map>
#include <memory>
#include <string>

#include "sinks/content/http/hpack_reader.h"
#include "sinks/content/http/http2_frames.h"
#include "sinks/content/http/http_events.h"

namespace flowstitch {

// What a client's connection begins with.
inline constexpr std::string_view kHttp2Preface = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

class Http2Parser {
 public:
  // Bytes of a head's fields, coded (hpack_reader.h has the limits of what they decode to); streams
  // that are open at a time.
  static constexpr size_t kMaxHeadBytes = 256 << 10;
  static constexpr size_t kMaxStreams = 1024;

  // `events` outlives the parser. `with_fields`: heads carry their fields.
  Http2Parser(bool with_fields, HttpEvents* events);
  Http2Parser(const Http2Parser&) = delete;
  Http2Parser& operator=(const Http2Parser&) = delete;

  // What comes of this side begins amid the connection, with a frame. What its heads refer to is
  // not all known (RFC 7541): from the first that cannot be decoded on, and behind `lost` bytes at
  // once, messages have none.
  void BeginAmid(HttpKind kind, bool lost);
  void Feed(HttpKind kind, ByteView bytes, uint64_t offset);
  void Gap(HttpKind kind, uint64_t length);
  // What is under way ends, incomplete.
  void Close();

  bool stopped(HttpKind kind) const { return sides_[static_cast<size_t>(kind)].stopped; }
  uint64_t stopped_at(HttpKind kind) const { return sides_[static_cast<size_t>(kind)].offset; }
  const char* why_stopped(HttpKind kind) const {
    return sides_[static_cast<size_t>(kind)].why_stopped;
  }

  // What it holds, about.
  size_t memory_bytes() const;

 private:
  struct Frame {
    uint32_t length = 0;
    uint8_t type = 0;
    uint8_t flags = 0;
    uint32_t stream = 0;
  };
  // One kind of message of a stream.
  struct Message {
    bool headed = false;
    bool ended = false;
    bool counted = false;  // it has a Content-Length
    uint64_t length = 0;
    uint64_t bytes = 0;
    bool gap = false;
    const char* note = "";  // for its end
  };
  struct Stream {
    Message messages[2];  // by HttpKind
    uint32_t interims = 0;
    std::string method;
    std::string target;
    std::string host;
  };
  struct Side {
    HttpKind kind = HttpKind::kRequest;
    HpackReader hpack;
    bool stopped = false;
    const char* why_stopped = "";
    bool amid = false;        // its beginning is not there
    bool heads_lost = false;  // they cannot be decoded
    uint64_t offset = 0;      // of the next byte
    size_t preface_left = 0;  // bytes of it still to come
    std::string header;       // of a frame, until it is complete
    bool in_frame = false;
    Frame frame;
    uint32_t left = 0;       // of the frame's payload
    std::string payload;     // of a frame that has to be complete
    uint32_t padding = 0;    // at the end of a DATA frame
    bool pad_known = false;  // of this DATA frame
    // A head in several frames (CONTINUATION).
    std::string block;
    uint32_t block_stream = 0;    // 0: none
    uint32_t block_promised = 0;  // PUSH_PROMISE: the stream whose request it is
    bool block_ends_stream = false;
  };

  Side& side(HttpKind kind) { return sides_[static_cast<size_t>(kind)]; }
  void Stop(Side* s, const char* why);
  bool TakePreface(Side* s, ByteView* bytes);
  bool TakeHeader(Side* s, ByteView* bytes);
  void TakePayload(Side* s, ByteView* bytes);
  void TakeData(Side* s, ByteView bytes);
  void EndFrame(Side* s);
  void BeginBlock(Side* s, bool promise);
  void EndBlock(Side* s);
  void OnUnknownHead(uint32_t stream_id, HttpKind kind, bool ends, const char* note);
  void OnFields(uint32_t stream_id, HttpKind kind, bool ends, HttpFields fields);
  void EndMessage(HttpKind kind, uint32_t stream, bool complete, const char* why);
  void EndStreamOf(uint32_t id, const char* why);
  Stream& StreamOf(uint32_t id);

  const bool with_fields_;
  HttpEvents* const events_;
  Side sides_[2];
  std::map<uint32_t, Stream> streams_;
};

}  // namespace flowstitch

#endif  // FLOWSTITCH_SINKS_CONTENT_HTTP_HTTP2_PARSER_H_
