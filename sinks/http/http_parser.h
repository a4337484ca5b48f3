// HTTP/1 in both directions of a flow, through libhtp, which is made for watching: it takes what it
// gets in whatever pieces and forgives what browsers forgive. Transfer codings are taken off here;
// content codings are not.
#ifndef FLOWSTITCH_SINKS_HTTP_HTTP_PARSER_H_
#define FLOWSTITCH_SINKS_HTTP_HTTP_PARSER_H_

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "base/bytes.h"
#include "base/capture_time.h"

struct htp_cfg_t;
struct htp_connp_t;
struct htp_tx_t;
struct htp_tx_data_t;

namespace flowstitch {

enum class HttpKind : uint8_t { kRequest = 0, kResponse = 1 };

struct HttpHead {
  uint32_t number = 0;  // of the message in its direction, from 1; interim responses count
  int status = 0;       // of a response
  std::string method;   // of the request
  std::string content_type;
  std::string content_encoding;
  // Only when the configuration asks for them: the first line's parts, and every field as it was
  // sent, folded lines joined.
  std::string target;   // of the request
  std::string version;  // "HTTP/1.1"
  std::string reason;   // of the response
  std::vector<std::pair<std::string, std::string>> fields;
};

class HttpEvents {
 public:
  virtual ~HttpEvents() = default;
  virtual void OnHead(HttpKind kind, const HttpHead& head) = 0;
  // `offset` is that of the bytes in the stream.
  virtual void OnBody(HttpKind kind, ByteView bytes, uint64_t offset) = 0;
  virtual void OnBodyGap(HttpKind kind, uint64_t length) = 0;
  // `complete`: everything that the head announced was there.
  virtual void OnEnd(HttpKind kind, bool complete) = 0;
  // Bytes of a direction that is not HTTP, or no longer.
  virtual void OnOther(int /*direction*/, ByteView /*bytes*/) {}
  // Bytes of a message that came to nothing: its head has no end, or what follows is not HTTP. Only
  // when heads carry their fields.
  virtual void OnUnused(HttpKind /*kind*/, ByteView /*bytes*/) {}
};

// What all parsers of a writer share.
class HttpParserConfig {
 public:
  // `with_fields`: heads carry their fields.
  explicit HttpParserConfig(bool with_fields = false);
  ~HttpParserConfig();
  HttpParserConfig(const HttpParserConfig&) = delete;
  HttpParserConfig& operator=(const HttpParserConfig&) = delete;

 private:
  friend class HttpParser;
  htp_cfg_t* config_;
  const bool with_fields_;
};

class HttpParser {
 public:
  // `config` and `events` outlive the parser.
  HttpParser(const HttpParserConfig& config, HttpEvents* events);
  ~HttpParser();
  HttpParser(const HttpParser&) = delete;
  HttpParser& operator=(const HttpParser&) = delete;

  // Bytes of one direction, in order, from `offset` of its stream on.
  void Feed(HttpKind kind, ByteView bytes, uint64_t offset, TimeNs time_ns);
  void Gap(HttpKind kind, uint64_t length, TimeNs time_ns);
  // The flow has ended; `orderly` when its ends closed it, so that a body without a length is
  // complete.
  void Close(bool orderly, TimeNs time_ns);

  bool stopped(HttpKind kind) const { return sides_[static_cast<size_t>(kind)].stopped; }

  // For libhtp's hooks.
  static int OnRequestHeaders(htp_tx_t* tx);
  static int OnRequestBody(htp_tx_data_t* data);
  static int OnRequestComplete(htp_tx_t* tx);
  static int OnResponseLine(htp_tx_t* tx);
  static int OnResponseHeaders(htp_tx_t* tx);
  static int OnResponseBody(htp_tx_data_t* data);
  static int OnResponseComplete(htp_tx_t* tx);

 private:
  struct Side {
    bool stopped = false;  // by an error, or because it is no longer HTTP
    bool blocked = false;  // the parser wants the other side first
    std::string held;      // what came meanwhile
    uint64_t held_offset = 0;
    uint32_t messages = 0;
    bool between = true;  // no message is under way
    std::string interim;  // of a response that may be an interim one, until that is known
    uint64_t interim_offset = 0;
    // What was fed since the last event, for the case that nothing comes of it; see OnOther.
    std::string unused;
    size_t event_end = 0;  // how much of what is being fed the last event has used
    bool had_event = false;
    ByteView feeding;
    uint64_t feeding_offset = 0;
    // The message under way: whether its body may have a gap, and how much of it is still to come.
    bool in_body = false;
    bool gap_allowed = false;
    uint64_t body_left = 0;
  };

  // Whether bytes that nothing comes of are given out.
  bool keeps_unused() const { return with_fields_; }
  void NoteEvent(HttpKind kind, size_t used);
  void GiveUnused(HttpKind kind);
  size_t Consumed(HttpKind kind) const;

  Side& side(HttpKind kind) { return sides_[static_cast<size_t>(kind)]; }
  void FeedNow(HttpKind kind, ByteView bytes, uint64_t offset, TimeNs time_ns);
  void FeedHeld(HttpKind kind, TimeNs time_ns);
  // Takes interim responses off the front; what is left of the bytes is for libhtp, which knows one
  // for each request only.
  ByteView SkipInterim(ByteView bytes, uint64_t* offset);
  void Hold(Side* side, ByteView bytes, uint64_t offset);
  void StartBody(HttpKind kind, int transfer_coding, int64_t content_length);
  void Body(HttpKind kind, const uint8_t* data, size_t length);
  void EndBody(HttpKind kind, bool complete);

  htp_connp_t* parser_;
  const bool with_fields_;
  HttpEvents* const events_;
  Side sides_[2];
  bool closing_ = false;
  bool orderly_ = false;
};

}  // namespace flowstitch

#endif  // FLOWSTITCH_SINKS_HTTP_HTTP_PARSER_H_
