// Both directions of a flow: whether they speak HTTP/1, told by their first bytes, and if so,
// parsed.
#ifndef FLOWSTITCH_SINKS_HTTP_HTTP_DIALOGUE_H_
#define FLOWSTITCH_SINKS_HTTP_HTTP_DIALOGUE_H_

#include <memory>
#include <optional>
#include <string>

#include "sinks/http/http_parser.h"
#include "sinks/sink_flow.h"

namespace flowstitch {

// What follows a connection's end: whether its ends closed it, so that a body without a length is
// complete.
bool ClosedInOrder(const SinkFlow& flow, int response_direction);

class HttpDialogue {
 public:
  // `config` and `events` outlive the dialogue.
  HttpDialogue(const HttpParserConfig& config, HttpEvents* events)
      : config_(config), events_(events) {}

  void Bytes(int direction, uint64_t offset, ByteView bytes, TimeNs time_ns);
  void Gap(int direction, uint64_t length);
  void Close(const SinkFlow& flow);

  int DirectionOf(HttpKind kind) const;
  TimeNs now_ns() const { return now_ns_; }

 private:
  struct Side {
    std::string first;  // bytes until it is recognised
    std::optional<HttpKind> kind;
    bool other = false;
  };
  bool Recognise(int direction, ByteView bytes);
  void GiveUp(int direction);

  const HttpParserConfig& config_;
  HttpEvents* const events_;
  Side sides_[2];
  std::unique_ptr<HttpParser> parser_;
  TimeNs now_ns_ = 0;
};

}  // namespace flowstitch

#endif  // FLOWSTITCH_SINKS_HTTP_HTTP_DIALOGUE_H_
