#include "transport/metrics_server.h"

#include <httplib.h>

#include <thread>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "transport/socket.h"

namespace flowstitch {
namespace {

constexpr size_t kReaders = 8;  // at a time; more wait
constexpr int kTimeoutSeconds = 2;
constexpr size_t kMaxRequestBytes = 4096;

}  // namespace

struct MetricsServer::Listener {
  httplib::Server server;
  std::thread thread;
};

void AddMetricsFlag(CLI::App& app, std::string* address) {
  app.add_option("--metrics", *address,
                 "Give the process's figures over HTTP here: /metrics for Prometheus, /healthz.")
      ->type_name("HOST:PORT");
}

MetricsServer::MetricsServer() : listener_(std::make_unique<Listener>()) {}

absl::StatusOr<std::unique_ptr<MetricsServer>> MetricsServer::Open(const std::string& address) {
  if (address.empty()) return nullptr;
  const size_t colon = address.rfind(':');
  int port = 0;
  if (colon == std::string::npos || colon == 0 ||
      !absl::SimpleAtoi(address.substr(colon + 1), &port) || port < 0 || port > 65535) {
    return absl::InvalidArgumentError(absl::StrFormat("--metrics '%s': write HOST:PORT", address));
  }
  std::string host = address.substr(0, colon);
  if (host.front() == '[' && host.back() == ']') host = host.substr(1, host.size() - 2);
  std::unique_ptr<MetricsServer> self(new MetricsServer);
  httplib::Server& server = self->listener_->server;
  server.new_task_queue = [] { return new httplib::ThreadPool(kReaders); };
  server.set_read_timeout(kTimeoutSeconds);
  server.set_write_timeout(kTimeoutSeconds);
  server.set_keep_alive_max_count(1);
  server.set_payload_max_length(kMaxRequestBytes);
  server.Get("/metrics", [s = self.get()](const httplib::Request&, httplib::Response& response) {
    response.set_content(s->Text(), "text/plain; version=0.0.4; charset=utf-8");
  });
  server.Get("/healthz", [s = self.get()](const httplib::Request&, httplib::Response& response) {
    const std::string silent = s->Silent(SteadyNowNs());
    if (!silent.empty()) response.status = 503;
    response.set_content(silent.empty() ? "ok\n" : silent + "\n", "text/plain");
  });
  self->port_ = port == 0 ? server.bind_to_any_port(host.c_str())
                          : (server.bind_to_port(host.c_str(), port) ? port : -1);
  if (self->port_ < 0) {
    return absl::UnavailableError(absl::StrFormat(
        "cannot bind '%s' for the metrics: the address is in use or not this machine's", address));
  }
  self->listener_->thread = std::thread([&server] { server.listen_after_bind(); });
  // stop() does nothing before it listens.
  while (!server.is_running()) std::this_thread::yield();
  return self;
}

MetricsServer::~MetricsServer() {
  listener_->server.stop();
  if (listener_->thread.joinable()) listener_->thread.join();
}

bool MetricsServer::due(const std::string& part, int64_t now_ns) {
  const std::lock_guard<std::mutex> lock(mutex_);
  const auto it = parts_.find(part);
  return it == parts_.end() || now_ns - it->second.published_ns >= kNsPerSecond;
}

void MetricsServer::Publish(const std::string& part, std::string text, int64_t now_ns) {
  const std::lock_guard<std::mutex> lock(mutex_);
  parts_[part] = {std::move(text), now_ns};
}

std::string MetricsServer::Text() {
  std::string text = absl::StrCat(
      "# HELP flowstitch_build_info The version, in a label.\n# TYPE flowstitch_build_info gauge\n"
      "flowstitch_build_info{version=\"",
      FLOWSTITCH_VERSION, "\"} 1\n");
  const std::lock_guard<std::mutex> lock(mutex_);
  for (const auto& [name, part] : parts_) text += part.text;
  return text;
}

std::string MetricsServer::Silent(int64_t now_ns) {
  const std::lock_guard<std::mutex> lock(mutex_);
  std::string silent;
  if (parts_.empty()) return "nothing runs so far";
  for (const auto& [name, part] : parts_) {
    if (now_ns - part.published_ns <= kSilentNs) continue;
    absl::StrAppend(&silent, silent.empty() ? "silent: " : ", ", name);
  }
  return silent;
}

}  // namespace flowstitch
