// A thread of a sink: its share of the flows, through all writers. It keeps the batches whose bytes
// its writers still need, and lets go of each when they are where they belong.
#ifndef FLOWSTITCH_SINKS_SINK_WORKER_H_
#define FLOWSTITCH_SINKS_SINK_WORKER_H_

#include <atomic>
#include <deque>
#include <memory>
#include <thread>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/container/flat_hash_set.h"
#include "base/direction.h"
#include "base/mutex.h"
#include "base/process/waker.h"
#include "sinks/batch_dispatcher.h"
#include "sinks/records/record_hub.h"
#include "sinks/sink_journal.h"
#include "sinks/writer_list.h"
#include "sinks/writers/flow_files/flow_file_writer.h"
#include "transport/link/delivery.h"

namespace flowstitch {

// A batch that is on its way through the workers; finished when `users` is 0.
struct InFlightBatch {
  std::shared_ptr<Delivery> delivery;
  std::atomic<int> users{0};
  size_t feed = 0;      // the link that brought it
  uint64_t number = 0;  // among all batches, as they came
};

struct SinkWorkerOptions {
  std::string directory = ".";
  NameTemplate names;
  std::string journal;                   // path; empty: none is kept
  const JournaledFlows* left = nullptr;  // by an earlier sink of this name; may be null
  bool directory_was_empty = false;      // then no name needs to be looked for on the disk
  FlowFileOptions files;
  WriterList writers;
  WriterContext context;  // what they are made with; the worker fills in what is its own
  const RecordOutputs* records = nullptr;  // null: none
  Waker* waker = nullptr;                  // called when a batch is finished; may be null
};

class SinkWorker {
 public:
  explicit SinkWorker(const SinkWorkerOptions& options);
  ~SinkWorker();
  SinkWorker(const SinkWorker&) = delete;
  SinkWorker& operator=(const SinkWorker&) = delete;

  // Gives it the events of a batch. `batch->users` counts this worker already.
  void Post(std::shared_ptr<InFlightBatch> batch, std::vector<EventRef> events);
  // A reassembler was started anew: all its flows so far end here.
  void PostRestart(uint32_t shard);
  // Writes what still holds batches up to and with `number`: the link's window is filling up with
  // them.
  void PostWriteThrough(uint64_t number);
  // Writes everything, and ends the thread. Returns when that is done.
  void Finish();
  // The same without waiting: done() tells when Finish would return at once.
  void StartFinish();
  bool done() const { return done_.load(std::memory_order_acquire); }

  // The first failure. Thread-safe.
  absl::Status status() const;
  // Valid after Finish.
  const SinkLedger& ledger() const { return ledger_; }
  // As of a moment ago. Thread-safe.
  SinkLedger latest_ledger() const;

 private:
  struct Work {
    enum class Kind { kNone, kEvents, kRestart, kWriteThrough } kind = Kind::kNone;
    std::shared_ptr<InFlightBatch> batch = nullptr;
    std::vector<EventRef> events = {};
    uint64_t write_through = 0;
    uint32_t shard = 0;
  };
  struct Held {
    BatchHold hold;
    std::shared_ptr<InFlightBatch> batch;  // null when released
    int64_t since_ns = 0;
  };

  void Run();
  void Do(const Work& work);
  void Process(const Work& work);
  void Post(Work work);
  void OnEvent(const wire::StreamEvent& event, const EventRef& ref, BatchHold* hold);
  void OnOpened(const wire::FlowOpened& event);
  void OnVlans(SinkFlow& flow, const wire::DirectionVlans& event);
  // Null for a flow that was never announced, not to an earlier sink either.
  SinkFlow* Find(uint64_t id);
  void Restore(SinkFlow& flow);
  void Resume(SinkFlow& flow, Direction direction, uint64_t offset);
  void OnBytes(const wire::StreamBytes& event, ByteView bytes, BatchHold* hold);
  void OnGap(const wire::StreamGap& event);
  void OnFrame(const wire::FrameSeen& event, ByteView bytes);
  void OnConflict(const wire::StreamConflict& event);
  void OnClosed(const wire::FlowClosed& event, uint64_t order);
  void CloseFlow(SinkFlow& flow);
  // Of one reassembler, or of all.
  void CloseAllFlows(std::optional<uint32_t> shard);
  void LetGo();
  void FlushBuffers();
  void MakeWriters();
  absl::Status OwnStatus() const;
  void NoteFailure(const absl::Status& status);
  void NoteFailures();
  void ShowLedger();

  const SinkWorkerOptions options_;
  SinkLedger ledger_;
  std::vector<std::unique_ptr<Writer>> writers_;
  StreamNames names_;
  FlowFileWriter* files_ = nullptr;  // the first of writers_
  RecordHub records_;
  bool copies_ = false;  // whether a writer or an output for records has buffers of its own
  // Batches of which some writer keeps a copy that is not on the disk yet.
  std::vector<BatchHold*> copied_;
  int64_t copied_since_ns_ = 0;
  absl::flat_hash_map<uint64_t, std::unique_ptr<SinkFlow>> flows_;
  SinkJournal journal_;
  absl::Status journal_status_;
  uint64_t epoch_ = 0;                      // of the batch that is being taken
  absl::flat_hash_set<uint64_t> taken_up_;  // of those left
  BatchHold* hold_ = nullptr;               // of the batch that is being taken
  std::deque<Held> held_;
  bool failed_ = false;
  std::atomic<bool> done_{false};

  int64_t ledger_shown_ns_ = 0;

  mutable Mutex mutex_;
  Condition arrived_;
  std::deque<Work> queue_ ABSL_GUARDED_BY(mutex_);
  bool finishing_ ABSL_GUARDED_BY(mutex_) = false;
  absl::Status status_ ABSL_GUARDED_BY(mutex_);
  SinkLedger shown_ledger_ ABSL_GUARDED_BY(mutex_);
  std::thread thread_;
};

}  // namespace flowstitch

#endif  // FLOWSTITCH_SINKS_SINK_WORKER_H_
