#include "sinks/sink_worker.h"

#include <algorithm>
#include <chrono>
#include <string>
#include <utility>

#include "base/mutex.h"
#include "base/process/program.h"
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

}  // namespace

SinkWorker::SinkWorker(const SinkWorkerOptions& options)
    : options_(options), names_(options.directory, options.names), journal_(options.journal) {
  MakeWriters();
  thread_ = std::thread([this] {
    const absl::Status ran = Guard([this] {
      Run();
      return absl::OkStatus();
    });
    if (!ran.ok()) {
      const MutexLock lock(&mutex_);
      status_.Update(ran);
    }
    done_.store(true, std::memory_order_release);
    if (options_.waker != nullptr) options_.waker->Wake();
  });
}

SinkWorker::~SinkWorker() { Finish(); }

void SinkWorker::MakeWriters() {
  // The first one gives streams their names, which the others use.
  size_t state = 0;
  auto files =
      std::make_unique<FlowFileWriter>(options_.files, &names_, state++, &records_, &ledger_);
  files_ = files.get();
  writers_.push_back(std::move(files));
  WriterContext context = options_.context;
  context.names = &names_;
  context.ledger = &ledger_;
  records_ = RecordHub(state++, options_.records, &ledger_);
  context.records = &records_;
  for (const auto& kind : options_.writers) {
    context.state = state;
    auto writer = kind->Make(context);
    if (writer == nullptr) continue;
    writers_.push_back(std::move(writer));
    ++state;
  }
  copies_ = records_.buffers();
  for (const auto& writer : writers_) {
    copies_ = copies_ || writer->buffers();
    if (options_.directory_was_empty) continue;
    for (std::string& ending : writer->Endings()) names_.AddEnding(std::move(ending));
  }
}

void SinkWorker::Post(Work work) {
  const MutexLock lock(&mutex_);
  queue_.push_back(std::move(work));
  arrived_.Tell();
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
  const MutexLock lock(&mutex_);
  finishing_ = true;
  arrived_.Tell();
}

void SinkWorker::Finish() {
  StartFinish();
  if (thread_.joinable()) thread_.join();
}

absl::Status SinkWorker::status() const {
  const MutexLock lock(&mutex_);
  return status_;
}

void SinkWorker::Run() {
  while (true) {
    Work work;
    {
      const MutexLock lock(&mutex_);
      if (queue_.empty() && !finishing_) arrived_.WaitFor(&mutex_, kIdle);
      if (queue_.empty() && finishing_) break;
      if (!queue_.empty()) {
        work = std::move(queue_.front());
        queue_.pop_front();
      }
    }
    if (!failed_) Do(work);
    records_.OnBatchDone();
    LetGo();
    for (const auto& writer : writers_) writer->OnBatchDone();
    NoteFailures();
    ShowLedger();
  }
  if (!failed_) {
    CloseAllFlows(std::nullopt);
    records_.OnBatchDone();
    files_->WriteThrough(UINT64_MAX);
    for (const auto& writer : writers_) writer->Finish();
  }
  FlushBuffers();
  LetGo();
  for (const auto& writer : writers_) writer->OnBatchDone();
  NoteFailures();
}

void SinkWorker::ShowLedger() {
  const int64_t now_ns = SteadyNowNs();
  if (now_ns - ledger_shown_ns_ < kShowLedgerNs) return;
  ledger_shown_ns_ = now_ns;
  const MutexLock lock(&mutex_);
  shown_ledger_ = ledger_;
}

SinkLedger SinkWorker::latest_ledger() const {
  const MutexLock lock(&mutex_);
  return shown_ledger_;
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
  if (!copies_) return;
  ++hold->holds;
  if (copied_.empty()) copied_since_ns_ = held_.back().since_ns;
  copied_.push_back(hold);
}

// What writers keep in buffers of their own goes to the disk, and with it what holds its batches.
void SinkWorker::FlushBuffers() {
  for (const auto& writer : writers_) writer->Flush();
  records_.Flush();
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
  for (const auto& writer : writers_) {
    if (absl::Status status = writer->status(); !status.ok()) return status;
  }
  return journal_status_;
}

void SinkWorker::NoteFailure(const absl::Status& status) {
  if (failed_ || status.ok()) return;
  failed_ = true;
  const MutexLock lock(&mutex_);
  status_ = status;
}

void SinkWorker::NoteFailures() {
  NoteFailure(OwnStatus());
  if (options_.records == nullptr) return;
  for (const auto& output : *options_.records) NoteFailure(output->status());
}

}  // namespace flowstitch
