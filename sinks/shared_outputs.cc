#include "sinks/shared_outputs.h"

#include <spdlog/spdlog.h>
#include <unistd.h>

#include "sinks/sink_checks.h"

namespace flowstitch {
namespace {

constexpr int64_t kReportFlushNs = 1 * kNsPerSecond;
constexpr int64_t kKeyLogNs = kNsPerSecond / 4;

}  // namespace

absl::Status SharedOutputs::Open(const SinkOptions& options, SinkWorkerOptions* worker) {
  options_ = &options;
  if (options.dfxml) {
    report_ = std::make_unique<ReportWriter>();
    const absl::Status status =
        report_->Open({ReportPath(options), options.report_form, options.command_line,
                       options.report_roll_s * kNsPerSecond});
    if (!status.ok()) return status;
    worker->report = report_.get();
  }
  if (!options.json.empty()) {
    json_ = std::make_unique<JsonFile>();
    if (const absl::Status status = json_->Open(options.json); !status.ok()) return status;
    worker->json = json_.get();
  }
  const AlertOptions& files = options.file_alerts;
  const AlertOptions& bodies = options.body_alerts;
  if (files.any()) {
    file_alerts_ = std::make_unique<Alerts>(files);
    worker->files.alerts = file_alerts_.get();
  }
  if (bodies.any()) {
    body_alerts_ = std::make_unique<Alerts>(bodies);
    options.http().shared.alerts = worker->body_alerts = body_alerts_.get();
  }
  if (options.http().bodies) {
    ranges_ = std::make_unique<RangeJoiner>(options.digests);
    worker->ranges = ranges_.get();
  }
  if (!options.key_log.empty()) {
    if (const absl::Status status = keys_.Open(options.key_log); !status.ok()) return status;
    if (access(options.key_log.c_str(), F_OK) != 0) {
      spdlog::warn("sink: the key log '{}' is not there so far; it is looked for again",
                   options.key_log);
    }
  }
  for (const std::string& path : options.tls_keys) {
    if (const absl::Status status = keys_.AddPrivateKey(path); !status.ok()) return status;
  }
  options.http().shared.digest_names = &digest_names_;
  const bool has_keys = !options.key_log.empty() || !options.tls_keys.empty();
  ConsoleWriterKind& console = options.console();
  if (!console.on) options.http().shared.keys = &keys_;
  if (console.on && has_keys) {
    console.form.keys = &keys_;
    console.form.on_undecrypted = [warnings = uint64_t{0}](const std::string& name,
                                                           const std::string& why) mutable {
      constexpr uint64_t kMostWarnings = 10;
      if (++warnings > kMostWarnings) return;
      spdlog::warn("console: TLS of {} is not all decrypted: {}", name, why);
    };
  }
  return absl::OkStatus();
}

void SharedOutputs::Service(int64_t now_ns) {
  if (!options_->key_log.empty() && now_ns - keys_read_ns_ >= kKeyLogNs) {
    keys_read_ns_ = now_ns;
    keys_.Refresh();
  }
  if (report_ != nullptr) report_->WriteReady();
  if (report_ != nullptr && now_ns - report_flushed_ns_ >= kReportFlushNs) {
    report_flushed_ns_ = now_ns;
    report_->Flush(now_ns);
  }
}

absl::Status SharedOutputs::WriteJoined() {
  if (ranges_ == nullptr) return absl::OkStatus();
  ranges_->Finish();
  for (const RangeJoiner::Joined& joined : ranges_->Take()) {
    if (report_ != nullptr) report_->AddLast(BodyElement(joined.stream_path, joined.record));
    if (json_ != nullptr) AppendBody(joined.record, json_.get());
    if (body_alerts_ != nullptr) body_alerts_->Closed(joined.record.path);
  }
  if (json_ != nullptr && !json_->status().ok()) return json_->status();
  return ranges_->status();
}

absl::Status SharedOutputs::WriteEnd(const ReportTotals& totals) {
  if (!options_->key_log.empty()) {
    keys_.Refresh();
    const std::string complaint = keys_.Complaint();
    if (!complaint.empty()) spdlog::warn("sink: the key log '{}' {}", options_->key_log, complaint);
  }
  absl::Status status = WriteJoined();
  if (report_ == nullptr) return status;
  ReportTotals told = totals;
  if (told.error.empty()) told.error = std::string(status.message());
  status.Update(report_->Finish(told));
  return status;
}

bool SharedOutputs::commands_idle() const {
  for (Alerts* alerts : {file_alerts_.get(), body_alerts_.get()}) {
    if (alerts != nullptr && !alerts->idle()) return false;
  }
  return true;
}

absl::Status SharedOutputs::commands_status() const {
  for (Alerts* alerts : {file_alerts_.get(), body_alerts_.get()}) {
    if (alerts != nullptr && !alerts->status().ok()) return alerts->status();
  }
  return absl::OkStatus();
}

void SharedOutputs::GiveUpCommands() {
  for (Alerts* alerts : {file_alerts_.get(), body_alerts_.get()}) {
    if (alerts != nullptr) alerts->GiveUp();
  }
}

}  // namespace flowstitch
