// Which batches may be acknowledged: with --durable commit, those that the disk has. A thread of
// its own asks it, so that links stay in service however long the disk takes.
#ifndef FLOWSTITCH_SINKS_COMMIT_GATE_H_
#define FLOWSTITCH_SINKS_COMMIT_GATE_H_

#include <cstdint>
#include <thread>

#include "absl/functional/any_invocable.h"
#include "absl/status/status.h"
#include "base/mutex.h"

namespace flowstitch {

class CommitGate {
 public:
  // `sync` asks the disk; `wake` is called, in another thread, when something has become through.
  CommitGate(absl::AnyInvocable<absl::Status()> sync, absl::AnyInvocable<void()> wake);
  ~CommitGate();
  CommitGate(const CommitGate&) = delete;
  CommitGate& operator=(const CommitGate&) = delete;

  // All through batch `number` is written; the next question to the disk is about it.
  void NoteWritten(uint64_t number);
  // The last batch that the disk has.
  uint64_t through() const;
  absl::Status status() const;

 private:
  uint64_t AwaitWritten();
  void Run();

  absl::AnyInvocable<absl::Status()> sync_;
  absl::AnyInvocable<void()> wake_;
  mutable Mutex mutex_;
  Condition changed_;
  uint64_t written_ ABSL_GUARDED_BY(mutex_) = 0;
  uint64_t through_ ABSL_GUARDED_BY(mutex_) = 0;
  bool ends_ ABSL_GUARDED_BY(mutex_) = false;
  absl::Status status_ ABSL_GUARDED_BY(mutex_);
  std::thread thread_;
};

}  // namespace flowstitch

#endif  // FLOWSTITCH_SINKS_COMMIT_GATE_H_
