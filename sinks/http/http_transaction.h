// A request and its response, as a record.
#ifndef FLOWSTITCH_SINKS_HTTP_HTTP_TRANSACTION_H_
#define FLOWSTITCH_SINKS_HTTP_HTTP_TRANSACTION_H_

#include <deque>
#include <functional>
#include <optional>

#include "sinks/http/http_parser.h"
#include "sinks/sink_flow.h"

namespace flowstitch {

struct HttpMessage {
  HttpHead head;
  TimeNs time_ns = 0;
  std::string body_path;  // empty: no body was kept
  uint64_t body_bytes = 0;
  bool complete = false;
};

struct HttpTransaction {
  std::optional<HttpMessage> request;
  std::optional<HttpMessage> response;
};

// Pairs requests and responses of one flow, which come in the same order (RFC 9112, 9.3). Interim
// responses (1xx) are passed over; a request without a response, and a response without a request,
// are transactions too.
class HttpPairing {
 public:
  using Taker = std::function<void(const HttpTransaction&)>;

  void OnHead(HttpKind kind, const HttpHead& head, TimeNs time_ns);
  // `body` is null when the message had none that was kept.
  void OnEnd(HttpKind kind, const BodyRecord* body, bool complete, const Taker& taker);
  // What is still open is given out as it is.
  void Finish(const Taker& taker);

 private:
  // Requests whose answers are not there; more are given out without one.
  static constexpr size_t kMaxOpen = 1024;

  std::deque<HttpMessage> requests_;
  std::optional<HttpMessage> response_;
};

}  // namespace flowstitch

#endif  // FLOWSTITCH_SINKS_HTTP_HTTP_TRANSACTION_H_
