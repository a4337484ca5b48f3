#include "sinks/shared_outputs.h"

#include <spdlog/spdlog.h>
#include <unistd.h>

#include <algorithm>
#include <utility>

#include "sinks/record_list.h"

namespace flowstitch {
namespace {

constexpr int64_t kKeyLogNs = kNsPerSecond / 4;

}  // namespace

absl::Status SharedOutputs::OpenKeys() {
  if (!options_->key_log.empty()) {
    if (const absl::Status status = keys_.Open(options_->key_log); !status.ok()) return status;
    if (access(options_->key_log.c_str(), F_OK) != 0) {
      spdlog::warn("sink: the key log '{}' is not there so far; it is looked for again",
                   options_->key_log);
    }
  }
  for (const std::string& path : options_->tls_keys) {
    if (const absl::Status status = keys_.AddPrivateKey(path); !status.ok()) return status;
  }
  const bool has_keys = !options_->key_log.empty() || !options_->tls_keys.empty();
  ConsoleWriterKind& console = options_->console();
  if (!console.on) options_->content().keys = &keys_;
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

absl::Status SharedOutputs::Open(const SinkOptions& options, SinkWorkerOptions* worker) {
  options_ = &options;
  worker->records = &records_;
  const absl::Status status = OpenRecordOutputs(options, &records_);
  return status.ok() ? OpenKeys() : status;
}

void SharedOutputs::Service(int64_t now_ns) {
  if (!options_->key_log.empty() && now_ns - keys_read_ns_ >= kKeyLogNs) {
    keys_read_ns_ = now_ns;
    keys_.Refresh();
  }
  for (const auto& output : records_) output->Service(now_ns);
}

absl::Status SharedOutputs::WriteEnd(const ReportTotals& totals) {
  if (!options_->key_log.empty()) {
    keys_.Refresh();
    const std::string complaint = keys_.Complaint();
    if (!complaint.empty()) spdlog::warn("sink: the key log '{}' {}", options_->key_log, complaint);
  }
  absl::Status status;
  ReportTotals told = totals;
  for (const auto& output : records_) {
    status.Update(output->Finish(told));
    status.Update(output->status());
    if (told.error.empty()) told.error = std::string(status.message());
  }
  return status;
}

bool SharedOutputs::commands_idle() const {
  return std::all_of(records_.begin(), records_.end(),
                     [](const auto& output) { return output->idle(); });
}

absl::Status SharedOutputs::status() const {
  absl::Status status;
  for (const auto& output : records_) status.Update(output->status());
  return status;
}

void SharedOutputs::GiveUpCommands() {
  for (const auto& output : records_) output->GiveUp();
}

}  // namespace flowstitch
