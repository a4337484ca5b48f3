// Figures of a running process over HTTP: /metrics for Prometheus, /healthz for whoever restarts
// processes. Stages hand over finished text once a second; a reader costs them nothing.
#ifndef FLOWSTITCH_TRANSPORT_METRICS_SERVER_H_
#define FLOWSTITCH_TRANSPORT_METRICS_SERVER_H_

#include <map>
#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "base/capture_time.h"
#include "base/mutex.h"
#include "base/option_table.h"
#include "transport/http_listener.h"

namespace flowstitch {

// --metrics.
void AddMetricsOption(OptionTable* table, std::string* address);

class MetricsServer {
 public:
  // Listens on "HOST:PORT", or on loopback at "PORT". An empty address gives a null pointer: no
  // figures are wanted.
  static absl::StatusOr<std::unique_ptr<MetricsServer>> Open(const std::string& address);
  // Answers from here on, in a thread.
  void Start() { listener_->Start(); }
  MetricsServer(const MetricsServer&) = delete;
  MetricsServer& operator=(const MetricsServer&) = delete;

  // Whether the part of a stage is a second old.
  bool due(const std::string& part, int64_t now_ns);
  void Publish(const std::string& part, std::string text, int64_t now_ns);
  // The port, where the address left it open ("HOST:0").
  int port() const { return listener_->port(); }

 private:
  struct Part {
    std::string text;
    int64_t published_ns = 0;
  };

  MetricsServer() = default;
  HttpResponse Answer(const HttpRequest& request);
  std::string Text();
  // The parts whose stages have not been heard of for kSilentNs; empty: all is well.
  std::string Silent(int64_t now_ns);

  static constexpr int64_t kSilentNs = 10 * kNsPerSecond;

  Mutex mutex_;
  std::map<std::string, Part> parts_ ABSL_GUARDED_BY(mutex_);
  std::unique_ptr<HttpListener> listener_;  // ends first
};

}  // namespace flowstitch

#endif  // FLOWSTITCH_TRANSPORT_METRICS_SERVER_H_
