#include "sinks/commit_gate.h"

#include <utility>

namespace flowstitch {

CommitGate::CommitGate(absl::AnyInvocable<absl::Status()> sync, absl::AnyInvocable<void()> wake)
    : sync_(std::move(sync)), wake_(std::move(wake)), thread_([this] { Run(); }) {}

CommitGate::~CommitGate() {
  {
    const std::lock_guard<std::mutex> lock(mutex_);
    ends_ = true;
  }
  changed_.notify_one();
  thread_.join();
}

void CommitGate::NoteWritten(uint64_t number) {
  {
    const std::lock_guard<std::mutex> lock(mutex_);
    if (number <= written_) return;
    written_ = number;
  }
  changed_.notify_one();
}

uint64_t CommitGate::through() const {
  const std::lock_guard<std::mutex> lock(mutex_);
  return through_;
}

absl::Status CommitGate::status() const {
  const std::lock_guard<std::mutex> lock(mutex_);
  return status_;
}

void CommitGate::Run() {
  std::unique_lock<std::mutex> lock(mutex_);
  while (true) {
    changed_.wait(lock, [this] { return ends_ || (written_ > through_ && status_.ok()); });
    if (ends_) return;
    const uint64_t asked = written_;
    lock.unlock();
    const absl::Status status = sync_();
    lock.lock();
    status_.Update(status);
    if (status.ok()) through_ = asked;
    lock.unlock();
    wake_();
    lock.lock();
  }
}

}  // namespace flowstitch
