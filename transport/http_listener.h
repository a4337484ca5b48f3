// A small HTTP/1.1 server for figures and pages: one thread, bounded in connections, bytes and
// time. No client can hold it: a request has a deadline as a whole, an answer too, and when there
// are too many connections the one that has waited longest for its request gives way.
#ifndef FLOWSTITCH_TRANSPORT_HTTP_LISTENER_H_
#define FLOWSTITCH_TRANSPORT_HTTP_LISTENER_H_

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "absl/status/statusor.h"

namespace flowstitch {

struct HttpListenerLimits {
  size_t connections = 32;     // beyond, the oldest that is still asking is closed
  size_t head_bytes = 8192;    // of a request; beyond: 431
  size_t body_bytes = 4096;    // beyond: 413
  int64_t request_ms = 5'000;  // from the connection to the end of its request
  int64_t answer_ms = 10'000;  // until the answer has gone out
};

struct HttpRequest {
  std::string method;
  std::string path;  // without the query
};

struct HttpResponse {
  int status = 200;
  std::string type = "text/plain; charset=utf-8";
  std::string body;
};

class HttpListener {
 public:
  // Called in the listener's thread for every request, one after the other; must not wait.
  using Handler = std::function<HttpResponse(const HttpRequest&)>;

  // Listens on "HOST:PORT", or ":PORT" and "PORT" for loopback only. The error names `flag`.
  static absl::StatusOr<std::unique_ptr<HttpListener>> Open(const std::string& address,
                                                            const std::string& flag,
                                                            Handler handler,
                                                            const HttpListenerLimits& limits = {});
  // Answers from here on, in a thread of its own.
  void Start();
  // Ends at once, whoever is connected.
  ~HttpListener();
  HttpListener(const HttpListener&) = delete;
  HttpListener& operator=(const HttpListener&) = delete;

  // The port, where the address left it open ("HOST:0").
  int port() const;

 private:
  struct Server;  // Boost stays out of this header
  explicit HttpListener(std::unique_ptr<Server> server);
  std::unique_ptr<Server> server_;
};

}  // namespace flowstitch

#endif  // FLOWSTITCH_TRANSPORT_HTTP_LISTENER_H_
