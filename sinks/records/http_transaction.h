// A request and its response, as a record.
#ifndef FLOWSTITCH_SINKS_RECORDS_HTTP_TRANSACTION_H_
#define FLOWSTITCH_SINKS_RECORDS_HTTP_TRANSACTION_H_

#include <deque>
#include <functional>
#include <map>
#include <optional>

#include "sinks/content/http/http_events.h"
#include "sinks/records/body_record.h"

namespace flowstitch {

struct HttpMessage {
  HttpHead head;
  HttpFields trailers;
  uint32_t number = 0;  // in its direction, from 1; interim responses count
  TimeNs time_ns = 0;
  std::string body_path;  // empty: no body was kept
  uint64_t body_bytes = 0;
  bool complete = false;
  std::string note;  // why not
};

struct HttpTransaction {
  uint32_t stream = 0;  // of HTTP/2; 0: HTTP/1
  std::string layer;    // "" or "-TLS", as in BodyRecord::of
  std::optional<HttpMessage> request;
  std::optional<HttpMessage> response;
};

// Pairs requests and responses of one flow: of HTTP/1 they come in the same order (RFC 9112, 9.3),
// or behind a loss as HttpHead::exchange says; of HTTP/2 they have a stream. Interim responses
// (1xx) are passed over; a request without a response, and a response without a request, are
// transactions too.
class HttpPairing {
 public:
  using Taker = std::function<void(HttpTransaction)>;

  void OnHead(HttpMessageId id, HttpMessage message);
  void OnTrailers(HttpMessageId id, const HttpFields& fields);
  // `body` is null when the message had none that was kept.
  void OnEnd(HttpMessageId id, const BodyRecord* body, bool complete, std::string_view why,
             const Taker& taker);
  // What it holds, about.
  size_t memory_bytes() const;
  // What is still open is given out as it is.
  void Finish(const Taker& taker);

 private:
  // Requests whose answers are not there; more are given out without one.
  static constexpr size_t kMaxOpen = 1024;
  // Fields of all messages that are open; those of more are left out.
  static constexpr size_t kMaxFieldBytes = size_t{4} << 20;

  // A request that may be under way still when its answer is complete.
  struct Request {
    HttpMessage message;
    bool ended = false;
  };

  void EndRequest(HttpMessageId id, const Taker& taker);
  void EndResponse(HttpMessageId id, const Taker& taker);
  Request* FindRequest(uint32_t stream);
  bool TakeRequest(const HttpHead& response, Request* out, const Taker& taker);
  HttpMessage* Find(HttpMessageId id);
  void Give(HttpTransaction transaction, const Taker& taker);

  std::deque<Request> requests_;  // of HTTP/1
  std::map<uint32_t, Request> stream_requests_;
  std::map<uint32_t, HttpMessage> responses_;     // under way, by stream
  std::map<uint32_t, HttpTransaction> answered_;  // their requests are under way, by stream
  size_t field_bytes_ = 0;
};

}  // namespace flowstitch

#endif  // FLOWSTITCH_SINKS_RECORDS_HTTP_TRANSACTION_H_
