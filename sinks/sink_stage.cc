#include "sinks/sink_stage.h"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <cstdio>
#include <deque>
#include <memory>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "base/process/service.h"
#include "sinks/commit_gate.h"
#include "sinks/end_totals.h"
#include "sinks/reassembler_feeds.h"
#include "sinks/shared_outputs.h"
#include "sinks/sink_checks.h"
#include "sinks/sink_worker.h"
#include "sinks/streams/output_files.h"
#include "sinks/summary.h"
#include "sinks/worker_setup.h"
#include "transport/steady_clock.h"

namespace flowstitch {
namespace {

constexpr int kWaitMs = 5;
constexpr char kMetricsPart[] = "sink";
constexpr int64_t kGiveUpNs = 5 * kNsPerSecond;

class SinkStage {
 public:
  SinkStage(const SinkOptions& options, ProcessServices& services, const std::atomic<int>& stop)
      : options_(options),
        security_(*services.security),
        metrics_(services.metrics.get()),
        reads_memory_(services.reads_memory),
        stop_(stop) {}

  absl::Status Open(zmq::context_t& context);
  absl::Status Run();

 private:
  // Of each feed's last batch; epoch 0: none came.
  struct LastBatch {
    uint64_t epoch = 0;
    uint32_t shard = 0;
    uint64_t frames_taken = 0;
    uint64_t waiting_bytes = 0;
  };

  void TakeDelivery(size_t feed, std::shared_ptr<Delivery> delivery);
  void NoteEpoch(size_t feed, const LastBatch& now);
  uint64_t CommittedThrough();
  void FinishBatches();
  void RelieveWindow();
  absl::Status WorkerStatus() const;
  absl::Status WriteEnd();
  absl::Status EndFailed(const absl::Status& cause);
  void AwaitWorkers();
  ReportTotals Totals() const;
  absl::Status EndWriters(const ReportTotals& totals) const;
  void PublishMetrics(int64_t now_ns);

  const SinkOptions& options_;
  const LinkSecurity& security_;
  MetricsServer* const metrics_;  // may be null
  const SharedMemories reads_memory_;
  const std::atomic<int>& stop_;
  ReassemblerFeeds feeds_;
  std::unique_ptr<BatchDispatcher> dispatcher_;
  Waker waker_;                          // called by the workers
  std::unique_ptr<CommitGate> commits_;  // null: a batch is finished with when it is written
  SharedOutputs shared_;
  bool journals_ = false;
  JournaledFlows left_;  // by an earlier sink of this name
  std::vector<std::unique_ptr<SinkWorker>> workers_;
  std::deque<std::shared_ptr<InFlightBatch>> in_flight_;
  size_t in_flight_bytes_ = 0;
  uint64_t batches_ = 0;           // taken so far
  uint64_t relieved_through_ = 0;  // the batch up to which workers were told to write
  std::vector<std::vector<EventRef>> lists_;
  std::vector<LastBatch> last_;
  SinkLedger earlier_;  // of reassemblers that have gone
  absl::Status failure_;
  int64_t directories_checked_ns_ = 0;
};

absl::Status SinkStage::Open(zmq::context_t& context) {
  const auto names = TemplateOf(options_);
  if (!names.ok()) return names.status();
  if (options_.durable == Durability::kCommit) {
    commits_ =
        std::make_unique<CommitGate>([] { return SyncOutputs(); }, [this] { waker_.Wake(); });
  }
  uint32_t shard = 0;
  uint32_t shards = 1;
  ParseShard(options_.shard, &shard, &shards);
  const int workers = WorkersOf(options_, *names);
  dispatcher_ = std::make_unique<BatchDispatcher>(shard, shards, static_cast<uint32_t>(workers));

  SinkWorkerOptions worker = SetUpWorker(options_, *names, workers);
  worker.waker = &waker_;
  if (const absl::Status status = shared_.Open(options_, &worker); !status.ok()) return status;
  const absl::Status opened = feeds_.Open(context, security_, options_.reassembler, options_.name,
                                          options_.window_bytes, reads_memory_);
  if (!opened.ok()) return opened;
  last_.resize(feeds_.size());
  // A sink of the same process ends with its reassembler: nothing goes on.
  journals_ = options_.journal && NeedsDirectory(options_) &&
              !absl::StrContains(options_.reassembler, "inproc://");
  if (journals_) left_ = ReadJournals(options_.directory, options_.name);
  worker.left = left_.empty() ? nullptr : &left_;
  for (int i = 0; i < workers; ++i) {
    if (journals_) {
      worker.journal = JournalPath(options_.directory, options_.name, static_cast<size_t>(i));
    }
    worker.context.worker = static_cast<size_t>(i);
    worker.context.first = i == 0 && shard == 0;
    workers_.push_back(std::make_unique<SinkWorker>(worker));
  }
  return absl::OkStatus();
}

// Flows of a reassembler that was started anew end where they are, and so do its figures.
void SinkStage::NoteEpoch(size_t feed, const LastBatch& now) {
  LastBatch& last = last_[feed];
  if (last.epoch != 0 && last.epoch != now.epoch) {
    spdlog::warn("sink: reassembler {} was restarted; flows that were open end here", last.shard);
    for (const auto& worker : workers_) worker->PostRestart(last.shard);
    earlier_.earlier_frames += last.frames_taken;
    earlier_.earlier_waiting_bytes += last.waiting_bytes;
  }
  const bool new_shard = last.epoch == 0 || last.shard != now.shard;
  last = now;
  for (size_t other = 0; other < last_.size() && new_shard; ++other) {
    if (other == feed || last_[other].epoch == 0 || last_[other].shard != last.shard) continue;
    failure_ = absl::FailedPreconditionError(absl::StrFormat(
        "two reassemblers call themselves shard %d: give each its own --shard", last.shard));
  }
}

void SinkStage::TakeDelivery(size_t feed, std::shared_ptr<Delivery> delivery) {
  if (delivery->message().has_end()) {
    shared_.TakeTlsSecrets(delivery->message().end());
    // The process that ends may not be the one that sent the last batch.
    if (last_[feed].epoch != 0 && last_[feed].epoch != feeds_.epoch(feed)) {
      NoteEpoch(feed, {feeds_.epoch(feed), last_[feed].shard, 0, 0});
    }
    return;
  }
  if (!delivery->message().has_streams()) return;
  const wire::StreamBatch& batch = delivery->message().streams();
  shared_.TakeTlsSecrets(batch);
  NoteEpoch(feed, {batch.reassembler_epoch(), batch.shard(), batch.frames_taken(),
                   batch.waiting_bytes()});
  if (!failure_.ok()) return;
  if (!dispatcher_->Split(*delivery, &lists_)) {
    feeds_.Contradicts(feed,
                       "a batch's payload is not what its events say, or nothing can have "
                       "counted to a number in it");
    return;
  }
  auto in_flight = std::make_shared<InFlightBatch>();
  in_flight->delivery = std::move(delivery);
  in_flight->feed = feed;
  in_flight->number = ++batches_;
  const auto users =
      std::count_if(lists_.begin(), lists_.end(), [](const auto& list) { return !list.empty(); });
  in_flight->users = static_cast<int>(users);
  in_flight_bytes_ += in_flight->delivery->wire_size();
  in_flight_.push_back(in_flight);
  for (size_t i = 0; i < workers_.size(); ++i) {
    if (!lists_[i].empty()) workers_[i]->Post(in_flight, std::move(lists_[i]));
  }
}

// What is written and, where that is wanted, on the disk.
uint64_t SinkStage::CommittedThrough() {
  uint64_t written = 0;
  for (const auto& in_flight : in_flight_) {
    if (in_flight->users.load(std::memory_order_acquire) != 0) break;
    written = in_flight->number;
  }
  if (commits_ == nullptr || written == 0) return written;
  commits_->NoteWritten(written);
  return commits_->through();
}

void SinkStage::FinishBatches() {
  if (in_flight_.empty()) return;
  const uint64_t through = CommittedThrough();
  while (!in_flight_.empty() && in_flight_.front()->number <= through) {
    const InFlightBatch& batch = *in_flight_.front();
    const size_t bytes = batch.delivery->wire_size();
    feeds_.Finish(batch.feed, *batch.delivery);
    in_flight_bytes_ -= bytes;
    in_flight_.pop_front();
  }
}

// Bytes wait in their batches to be written together with others, but not until the window is
// closed: the older half of what is in flight is written, whichever worker holds it.
void SinkStage::RelieveWindow() {
  if (in_flight_bytes_ <= options_.window_bytes / 2) return;
  if (in_flight_.front()->number <= relieved_through_) return;  // under way
  size_t bytes = 0;
  for (const auto& in_flight : in_flight_) {
    relieved_through_ = in_flight->number;
    bytes += in_flight->delivery->wire_size();
    if (bytes >= in_flight_bytes_ / 2) break;
  }
  for (const auto& worker : workers_) worker->PostWriteThrough(relieved_through_);
}

absl::Status SinkStage::WorkerStatus() const {
  if (!failure_.ok()) return failure_;
  for (const auto& worker : workers_) {
    if (const absl::Status status = worker->status(); !status.ok()) return status;
  }
  return commits_ == nullptr ? absl::OkStatus() : commits_->status();
}

absl::Status SinkStage::Run() {
  TellReady();
  int64_t stop_since_ns = 0;
  while (!feeds_.all_ended()) {
    const int64_t now_ns = SteadyNowNs();
    TellAlive(now_ns);
    // Before the links are looked at: they say what is finished.
    FinishBatches();
    const absl::Status link =
        feeds_.Service(now_ns, [this](size_t feed, std::shared_ptr<Delivery> delivery) {
          TakeDelivery(feed, std::move(delivery));
        });
    if (!link.ok()) return EndFailed(link);
    RelieveWindow();
    shared_.Service(now_ns);
    PublishMetrics(now_ns);
    if (now_ns - directories_checked_ns_ >= kNsPerSecond) {
      directories_checked_ns_ = now_ns;
      if (failure_.ok()) failure_ = CheckOutputDirectories();
    }
    if (const absl::Status status = WorkerStatus(); !status.ok()) return EndFailed(status);
    if (stop_ > 1) shared_.GiveUpCommands();
    if (stop_ > 0 && stop_since_ns == 0) stop_since_ns = now_ns;
    if (stop_ > 1 || (stop_ > 0 && now_ns - stop_since_ns > kGiveUpNs)) break;
    if (!feeds_.all_ended()) feeds_.Wait(waker_, kWaitMs);
  }
  AwaitWorkers();
  if (failure_.ok()) failure_ = CheckOutputDirectories();
  if (const absl::Status status = WorkerStatus(); !status.ok()) return EndFailed(status);
  while (!in_flight_.empty() && commits_ != nullptr && commits_->status().ok() && stop_ < 2) {
    feeds_.Wait(waker_, kWaitMs);
    TellAlive(SteadyNowNs());
    if (const absl::Status link = feeds_.Service(SteadyNowNs()); !link.ok()) return link;
    FinishBatches();
  }
  FinishBatches();
  return WriteEnd();
}

// The link stays in service while the last bytes are written, however long that takes.
void SinkStage::AwaitWorkers() {
  for (const auto& worker : workers_) worker->StartFinish();
  const auto done = [](const auto& worker) { return worker->done(); };
  while (!std::all_of(workers_.begin(), workers_.end(), done)) {
    if (stop_ > 1) shared_.GiveUpCommands();
    feeds_.Wait(waker_, kWaitMs);
    TellAlive(SteadyNowNs());
    if (const absl::Status link = feeds_.Service(SteadyNowNs()); !link.ok()) {
      failure_.Update(link);
    }
    FinishBatches();
    shared_.Service(SteadyNowNs());
  }
  for (const auto& worker : workers_) worker->Finish();
}

// One output that fails ends all, but the report says what was done, and why no more.
absl::Status SinkStage::EndFailed(const absl::Status& cause) {
  AwaitWorkers();
  ReportTotals totals = Totals();
  totals.error = std::string(cause.message());
  if (const absl::Status status = shared_.WriteEnd(totals); !status.ok()) {
    spdlog::debug("sink: {}", std::string(status.message()));  // perhaps the output that failed
  }
  return cause;
}

void SinkStage::PublishMetrics(int64_t now_ns) {
  if (metrics_ == nullptr || !metrics_->due(kMetricsPart, now_ns)) return;
  MetricsText text;
  SinkLedger all = earlier_;
  for (const auto& worker : workers_) all.Add(worker->latest_ledger());
  text.Add(all, options_.name);
  text.Gauge("sink_in_flight_bytes", "bytes of batches that are being written",
             {{"sink", options_.name}}, static_cast<double>(in_flight_bytes_));
  for (const LastBatch& last : last_) {
    if (last.epoch == 0) continue;
    text.Gauge("sink_frames_told", "frames of which the reassembler has told all that came of them",
               {{"sink", options_.name}, {"shard", absl::StrCat(last.shard)}},
               static_cast<double>(last.frames_taken));
  }
  feeds_.AddMetrics(options_.name, now_ns, &text);
  metrics_->Publish(kMetricsPart, text.Text(), now_ns);
}

absl::Status SinkStage::EndWriters(const ReportTotals& totals) const {
  RunInfo run;
  run.directory = options_.directory;
  for (const auto& source : totals.sources) {
    run.inputs.insert(run.inputs.end(), source.inputs.begin(), source.inputs.end());
  }
  for (const auto& kind : options_.writers) {
    if (const absl::Status status = kind->WriteEnd(run); !status.ok()) return status;
  }
  return absl::OkStatus();
}

ReportTotals SinkStage::Totals() const {
  ReportTotals totals;
  totals.sink = earlier_;
  for (const auto& worker : workers_) totals.sink.Add(worker->ledger());
  for (size_t feed = 0; feed < feeds_.size(); ++feed) {
    if (const wire::End* end = feeds_.end(feed)) AddEnd(*end, &totals);
  }
  return totals;
}

absl::Status SinkStage::WriteEnd() {
  ReportTotals totals = Totals();
  if (!feeds_.all_ended() && totals.error.empty()) {
    totals.error =
        absl::StrFormat("stopped before the reassembler at '%s' had ended", feeds_.missing());
  }
  if (const absl::Status status = shared_.WriteEnd(totals); !status.ok()) return status;
  if (const absl::Status status = EndWriters(totals); !status.ok()) return status;
  // Reports and all: their reassemblers forget what this acknowledges.
  if (const absl::Status status = SyncOutputs(); !status.ok()) return status;
  // Commands that were started are awaited, while the links stay in service.
  while (!shared_.commands_idle() && stop_ < 2) {
    feeds_.Wait(waker_, kWaitMs);
    TellAlive(SteadyNowNs());
    if (const absl::Status link = feeds_.Service(SteadyNowNs()); !link.ok()) return link;
  }
  if (const absl::Status status = shared_.status(); !status.ok()) return status;
  if (options_.summary)
    std::fputs(ShortLedger(totals, {options_.files, options_.content().bodies}).c_str(), stderr);
  if (!feeds_.all_ended()) {
    return absl::UnavailableError(absl::StrFormat(
        "stopped before the reassembler at '%s' had ended: later bytes are not here",
        feeds_.missing()));
  }
  feeds_.FinishEnds();
  // The reassemblers wait for these acknowledgements.
  while (stop_ < 2 && !feeds_.MayGo(SteadyNowNs())) {
    if (const absl::Status link = feeds_.Service(SteadyNowNs()); !link.ok()) return link;
    if (!feeds_.MayGo(SteadyNowNs())) feeds_.Wait(waker_, kWaitMs);
  }
  // Nothing comes again.
  if (journals_) RemoveJournals(options_.directory, options_.name);
  return absl::OkStatus();
}

}  // namespace

absl::Status RunSinkStage(const SinkOptions& options, ProcessServices& services,
                          const std::atomic<int>& stop) {
  SinkStage stage(options, services, stop);
  if (const absl::Status status = stage.Open(services.context); !status.ok()) return status;
  services.NoteOpened();
  return stage.Run();
}

}  // namespace flowstitch
