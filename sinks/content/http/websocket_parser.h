// One direction of a WebSocket (RFC 6455), behind its upgrade: messages, unmasked, inflated where
// permessage-deflate (RFC 7692) was agreed on. Control frames are passed over.
#ifndef FLOWSTITCH_SINKS_CONTENT_HTTP_WEBSOCKET_PARSER_H_
#define FLOWSTITCH_SINKS_CONTENT_HTTP_WEBSOCKET_PARSER_H_

#include <memory>
#include <string>

#include "base/direction.h"
#include "sinks/content/http/content_coding.h"
#include "sinks/content/http/http_events.h"

struct z_stream_s;

namespace flowstitch {

class WebSocketParser {
 public:
  // `extensions`: Sec-WebSocket-Extensions of the server's answer. `events` outlives the parser.
  WebSocketParser(Direction direction, bool from_client, std::string_view extensions,
                  const DecodeLimits& limits, HttpEvents* events);
  ~WebSocketParser();
  WebSocketParser(const WebSocketParser&) = delete;
  WebSocketParser& operator=(const WebSocketParser&) = delete;

  void Feed(ByteView bytes, uint64_t offset);
  void Gap(uint64_t length);
  void Close();

  // What it holds, about.
  size_t memory_bytes() const;
  bool stopped() const { return stopped_; }
  uint64_t stopped_at() const { return offset_; }
  const char* why_stopped() const { return why_stopped_; }

 private:
  bool TakeHeader(ByteView* bytes);
  void TakePayload(ByteView* bytes);
  void EndFrame();
  void Stop(const char* why);
  void Give(ByteView bytes, uint64_t offset);
  void Inflate(ByteView bytes, uint64_t offset);
  void EndMessage(bool complete, std::string_view why);
  void LoseDeflate(const char* why);

  const Direction direction_;
  HttpEvents* const events_;
  const DecodeLimits limits_;
  bool deflates_ = false;      // the extension was agreed on
  bool keeps_context_ = true;  // from one message to the next
  std::unique_ptr<z_stream_s> inflater_;
  const char* lost_deflate_ = nullptr;  // why messages are not inflated any more
  bool message_lost_ = false;           // the one under way: what follows in it is not given out

  bool stopped_ = false;
  const char* why_stopped_ = "";
  uint64_t offset_ = 0;  // of the next byte
  std::string header_;
  bool in_frame_ = false;
  bool final_ = false;
  bool control_ = false;
  bool masked_ = false;
  uint8_t mask_[4] = {};
  uint64_t mask_at_ = 0;
  uint64_t left_ = 0;  // of the frame's payload
  bool in_message_ = false;
  bool message_deflated_ = false;
  std::string trouble_;    // with the message under way
  DecodeAccount account_;  // of all messages
  std::unique_ptr<DecodeBudget> budget_;
};

}  // namespace flowstitch

#endif  // FLOWSTITCH_SINKS_CONTENT_HTTP_WEBSOCKET_PARSER_H_
