#include "sinks/commit_gate.h"

#include <utility>

#include "base/mutex.h"

namespace flowstitch {

CommitGate::CommitGate(absl::AnyInvocable<absl::Status()> sync, absl::AnyInvocable<void()> wake)
    : sync_(std::move(sync)), wake_(std::move(wake)), thread_([this] { Run(); }) {}

CommitGate::~CommitGate() {
  {
    const MutexLock lock(&mutex_);
    ends_ = true;
  }
  changed_.Tell();
  thread_.join();
}

void CommitGate::NoteWritten(uint64_t number) {
  {
    const MutexLock lock(&mutex_);
    if (number <= written_) return;
    written_ = number;
  }
  changed_.Tell();
}

uint64_t CommitGate::through() const {
  const MutexLock lock(&mutex_);
  return through_;
}

absl::Status CommitGate::status() const {
  const MutexLock lock(&mutex_);
  return status_;
}

// The number to ask the disk about; 0: there is nothing more to ask.
uint64_t CommitGate::AwaitWritten() {
  const MutexLock lock(&mutex_);
  while (!ends_ && (written_ <= through_ || !status_.ok())) changed_.Wait(&mutex_);
  return ends_ ? 0 : written_;
}

void CommitGate::Run() {
  while (const uint64_t asked = AwaitWritten()) {
    const absl::Status status = sync_();
    {
      const MutexLock lock(&mutex_);
      status_.Update(status);
      if (status.ok()) through_ = asked;
    }
    wake_();
  }
}

}  // namespace flowstitch
