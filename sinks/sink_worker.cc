#include "sinks/sink_worker.h"

#include <algorithm>
#include <chrono>
#include <string>
#include <utility>

#include "base/process/program.h"
#include "sinks/writers/tls/tls_watcher.h"
#include "transport/socket.h"
#include "transport/steady_clock.h"

namespace flowstitch {
namespace {

// How often a worker without work looks at what it holds.
constexpr std::chrono::milliseconds kIdle(100);
// Figures of a running worker are so old at most.
constexpr int64_t kShowLedgerNs = kNsPerSecond / 4;
// Bytes wait at most this long to be written together with others.
constexpr int64_t kHoldNs = 1 * kNsPerSecond;
// The same for what writers copy into buffers of their own.
constexpr int64_t kCopyHoldNs = kNsPerSecond / 4;

// Endings of the files that a stream's name is given to.
std::vector<std::string> EndingsOf(const SinkWorkerOptions& options) {
  std::vector<std::string> endings;
  if (options.directory_was_empty) return endings;
  if (options.files.write) endings.emplace_back("");
  if (options.flow_captures) endings.emplace_back(".pcap");
  if (options.conversation) endings.emplace_back(kConversationEnding);
  if (options.find_index) endings.emplace_back(".findx");
  if (options.http_form.heads) endings.emplace_back("-HTTP");
  if (options.http_form.plain_files) endings.emplace_back("-TLS");
  return endings;
}

// Of those that are there.
template <typename... Writers>
absl::Status FirstFailure(Writers*... writers) {
  absl::Status status;
  const auto look = [&status](auto* writer) {
    if (status.ok() && writer != nullptr) status = writer->status();
  };
  (look(writers), ...);
  return status;
}

}  // namespace

HttpWriterOptions SinkWorker::HttpOptions() {
  HttpWriterOptions http = options_.http_form;
  http.parse = options_.http || http.heads || json_ != nullptr;
  http.bodies = options_.http;
  http.body.digests = options_.files.digests;
  http.body.directory = options_.directory;
  http.max_bytes = options_.files.max_bytes;
  if (options_.http && http.body.names == BodyNames::kContent) {
    if (auto names = ContentNames::Open(); names.ok()) content_names_ = *std::move(names);
    http.body.content = content_names_.get();
  }
  if (json_ == nullptr) return http;
  http.on_transaction = [this](const SinkFlow& flow, const HttpTransaction& transaction) {
    json_->OnTransaction(flow, transaction);
  };
  http.on_body = [this](const SinkFlow& flow, int direction, const BodyRecord& body) {
    json_->OnBody(flow, direction, body);
  };
  return http;
}

SinkWorker::SinkWorker(const SinkWorkerOptions& options)
    : options_(options),
      names_(options.directory, options.names, EndingsOf(options)),
      journal_(options.journal) {
  // The first one gives streams their names, which the others use.
  files_ = AddWriter<FlowFileWriter>(options.files, &names_, NextSlot(), &ledger_);
  const int64_t max_bytes = options.files.max_bytes;
  if (options.find_index) find_index_ = AddWriter<FindIndexWriter>(NextSlot(), max_bytes);
  if (options.conversation) {
    conversation_ = AddWriter<ConversationWriter>(NextSlot(), options.files.digests, max_bytes,
                                                  &names_, &ledger_);
  }
  if (options.flow_captures) flow_captures_ = AddWriter<FlowCaptureWriter>(&names_, &ledger_);
  if (!options.other_frames.empty()) {
    other_frames_ = AddWriter<OtherFramesWriter>(options.other_frames);
  }
  if (options.json != nullptr) json_ = std::make_unique<JsonWriter>(options.json);
  if (options.report != nullptr || json_ != nullptr) AddWriter<TlsWatcher>(NextSlot());
  const bool parses = options.http || options.http_form.heads || json_ != nullptr;
  if (parses || options.http_form.keys != nullptr) {
    http_ = AddWriter<HttpWriter>(HttpOptions(), NextSlot(), &ledger_);
  }
  if (options.console) {
    console_ = AddWriter<ConsoleWriter>(options.console_form, NextSlot(), &names_);
  }
  if (options.netviz) profile_ = AddWriter<TrafficProfile>(options.netviz_addresses);
  thread_ = std::thread([this] {
    const absl::Status ran = Guard([this] {
      Run();
      return absl::OkStatus();
    });
    if (!ran.ok()) {
      const std::lock_guard<std::mutex> lock(mutex_);
      status_.Update(ran);
    }
    done_.store(true, std::memory_order_release);
    if (options_.waker != nullptr) options_.waker->Wake();
  });
}

SinkWorker::~SinkWorker() { Finish(); }

void SinkWorker::Post(Work work) {
  const std::lock_guard<std::mutex> lock(mutex_);
  queue_.push_back(std::move(work));
  arrived_.notify_one();
}

void SinkWorker::Post(std::shared_ptr<InFlightBatch> batch, std::vector<EventRef> events) {
  Post({Work::Kind::kEvents, std::move(batch), std::move(events)});
}

void SinkWorker::PostRestart(uint32_t shard) {
  Work work{Work::Kind::kRestart};
  work.shard = shard;
  Post(std::move(work));
}

void SinkWorker::PostWriteThrough(uint64_t number) {
  Work work{Work::Kind::kWriteThrough};
  work.write_through = number;
  Post(std::move(work));
}

void SinkWorker::StartFinish() {
  const std::lock_guard<std::mutex> lock(mutex_);
  finishing_ = true;
  arrived_.notify_one();
}

void SinkWorker::Finish() {
  StartFinish();
  if (thread_.joinable()) thread_.join();
}

absl::Status SinkWorker::status() const {
  const std::lock_guard<std::mutex> lock(mutex_);
  return status_;
}

void SinkWorker::Run() {
  while (true) {
    Work work;
    {
      std::unique_lock<std::mutex> lock(mutex_);
      if (queue_.empty() && !finishing_) arrived_.wait_for(lock, kIdle);
      if (queue_.empty() && finishing_) break;
      if (!queue_.empty()) {
        work = std::move(queue_.front());
        queue_.pop_front();
      }
    }
    if (!failed_) Do(work);
    Report();
    LetGo();
    if (console_ != nullptr) console_->Flush();
    NoteFailures();
    ShowLedger();
  }
  if (!failed_) {
    CloseAllFlows(std::nullopt);
    Report();
    files_->WriteThrough(UINT64_MAX);
    if (other_frames_ != nullptr) other_frames_->Finish();
  }
  FlushBuffers();
  LetGo();
  if (console_ != nullptr) console_->Flush();
  NoteFailures();
}

void SinkWorker::ShowLedger() {
  const int64_t now_ns = SteadyNowNs();
  if (now_ns - ledger_shown_ns_ < kShowLedgerNs) return;
  ledger_shown_ns_ = now_ns;
  const std::lock_guard<std::mutex> lock(mutex_);
  shown_ledger_ = ledger_;
}

SinkLedger SinkWorker::latest_ledger() const {
  const std::lock_guard<std::mutex> lock(mutex_);
  return shown_ledger_;
}

void SinkWorker::Report() {
  if (closed_.flows.empty()) return;
  const size_t bytes = closed_.text.size();
  options_.report->Add(std::exchange(closed_, {}));
  closed_.text.reserve(bytes + bytes / 4);
}

void SinkWorker::Do(const Work& work) {
  switch (work.kind) {
    case Work::Kind::kNone:
      break;
    case Work::Kind::kEvents:
      Process(work);
      break;
    case Work::Kind::kRestart:
      CloseAllFlows(work.shard);
      break;
    case Work::Kind::kWriteThrough:
      files_->WriteThrough(work.write_through);
      FlushBuffers();
      break;
  }
}

void SinkWorker::Process(const Work& work) {
  const Delivery& delivery = *work.batch->delivery;
  const wire::StreamBatch& batch = delivery.message().streams();
  held_.push_back({{work.batch->number, 0}, work.batch, SteadyNowNs()});
  BatchHold* hold = &held_.back().hold;
  hold_ = hold;
  epoch_ = batch.reassembler_epoch();
  for (const EventRef& ref : work.events) {
    OnEvent(batch.events(static_cast<int>(ref.event)), ref, hold);
  }
  journal_status_.Update(journal_.Flush());
  files_->WriteOldest();
  const bool copies = find_index_ != nullptr || conversation_ != nullptr ||
                      flow_captures_ != nullptr || other_frames_ != nullptr || json_ != nullptr;
  if (!copies) return;
  ++hold->holds;
  if (copied_.empty()) copied_since_ns_ = held_.back().since_ns;
  copied_.push_back(hold);
}

// What writers keep in buffers of their own goes to the disk, and with it what holds its batches.
void SinkWorker::FlushBuffers() {
  if (find_index_ != nullptr) find_index_->Flush();
  if (conversation_ != nullptr) conversation_->Flush();
  if (flow_captures_ != nullptr) flow_captures_->Flush();
  if (other_frames_ != nullptr) other_frames_->Flush();
  if (json_ != nullptr) json_->Flush();
  NoteFailures();
  if (failed_) return;
  for (BatchHold* hold : copied_) --hold->holds;
  copied_.clear();
}

// Lets go of batches that no writer needs, and makes the writers need fewer.
void SinkWorker::LetGo() {
  const auto release = [this] {
    for (Held& held : held_) {
      if (held.batch == nullptr || held.hold.holds != 0) continue;
      const bool last = held.batch->users.fetch_sub(1, std::memory_order_acq_rel) == 1;
      if (last && options_.waker != nullptr) options_.waker->Wake();
      held.batch = nullptr;
    }
    while (!held_.empty() && held_.front().batch == nullptr) held_.pop_front();
  };
  const int64_t now_ns = held_.empty() ? 0 : SteadyNowNs();
  if (!copied_.empty() && now_ns - copied_since_ns_ > kCopyHoldNs) FlushBuffers();
  release();
  while (!held_.empty() && !failed_ && now_ns - held_.front().since_ns > kHoldNs) {
    const size_t before = held_.size();
    files_->WriteThrough(held_.front().hold.number);
    release();
    if (!files_->status().ok() || held_.size() == before) return;
  }
}

// Of the writers that are this worker's alone: no lock is taken, for it is done at each flow's end.
absl::Status SinkWorker::OwnStatus() const {
  absl::Status status = FirstFailure(files_, find_index_, conversation_, flow_captures_,
                                     other_frames_, console_, http_);
  status.Update(journal_status_);
  return status;
}

void SinkWorker::NoteFailure(const absl::Status& status) {
  if (failed_ || status.ok()) return;
  failed_ = true;
  const std::lock_guard<std::mutex> lock(mutex_);
  status_ = status;
}

void SinkWorker::NoteFailures() {
  NoteFailure(OwnStatus());
  NoteFailure(FirstFailure(options_.json, options_.report, options_.files.alerts,
                           options_.http_form.alerts, options_.ranges));
}

}  // namespace flowstitch
