#include "transport/metrics_server.h"

#include "absl/strings/str_cat.h"
#include "base/mutex.h"
#include "transport/socket.h"
#include "transport/steady_clock.h"

namespace flowstitch {

void AddMetricsOption(OptionTable* table, std::string* address) {
  table->Add({"--metrics", "[HOST:]PORT",
              "Give the process's metrics over HTTP here: /metrics for Prometheus, /healthz. PORT "
              "alone listens on loopback.",
              TextOption{address}, kHostsGroup});
}

absl::StatusOr<std::unique_ptr<MetricsServer>> MetricsServer::Open(const std::string& address) {
  if (address.empty()) return nullptr;
  std::unique_ptr<MetricsServer> self(new MetricsServer);
  auto listener = HttpListener::Open(
      address, "--metrics", [s = self.get()](const HttpRequest& r) { return s->Answer(r); });
  if (!listener.ok()) return listener.status();
  self->listener_ = *std::move(listener);
  return self;
}

HttpResponse MetricsServer::Answer(const HttpRequest& request) {
  HttpResponse response;
  if (request.method != "GET" && request.method != "HEAD") {
    response = {405, response.type, "only GET is answered\n"};
  } else if (request.path == "/metrics") {
    response = {200, "text/plain; version=0.0.4; charset=utf-8", Text()};
  } else if (request.path == "/healthz") {
    const std::string silent = Silent(SteadyNowNs());
    response.status = silent.empty() ? 200 : 503;
    response.body = silent.empty() ? "ok\n" : silent + "\n";
  } else {
    response = {404, response.type, "there are /metrics and /healthz\n"};
  }
  return response;
}

bool MetricsServer::due(const std::string& part, int64_t now_ns) {
  const MutexLock lock(&mutex_);
  const auto it = parts_.find(part);
  return it == parts_.end() || now_ns - it->second.published_ns >= kNsPerSecond;
}

void MetricsServer::Publish(const std::string& part, std::string text, int64_t now_ns) {
  const MutexLock lock(&mutex_);
  parts_[part] = {std::move(text), now_ns};
}

std::string MetricsServer::Text() {
  std::string text = absl::StrCat(
      "# HELP flowstitch_build_info The version, in a label.\n# TYPE flowstitch_build_info gauge\n"
      "flowstitch_build_info{version=\"",
      FLOWSTITCH_VERSION, "\"} 1\n");
  const MutexLock lock(&mutex_);
  for (const auto& [name, part] : parts_) text += part.text;
  return text;
}

std::string MetricsServer::Silent(int64_t now_ns) {
  const MutexLock lock(&mutex_);
  std::string silent;
  if (parts_.empty()) return "nothing runs so far";
  for (const auto& [name, part] : parts_) {
    if (now_ns - part.published_ns <= kSilentNs) continue;
    absl::StrAppend(&silent, silent.empty() ? "silent: " : ", ", name);
  }
  return silent;
}

}  // namespace flowstitch
