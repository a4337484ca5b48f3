#include "base/process/waker.h"

#include <sys/eventfd.h>
#include <unistd.h>

#include <cstdint>

namespace flowstitch {

Waker::Waker() : fd_(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {}

Waker::~Waker() {
  if (fd_ >= 0) close(fd_);
}

void Waker::Wake() {
  if (fd_ < 0 || called_.exchange(true, std::memory_order_seq_cst)) return;
  const uint64_t one = 1;
  // It cannot be full: one call is under way at a time.
  [[maybe_unused]] const ssize_t n = write(fd_, &one, sizeof(one));
}

void Waker::Clear() {
  if (fd_ < 0 || !called_.load(std::memory_order_acquire)) return;
  uint64_t calls = 0;
  [[maybe_unused]] const ssize_t n = read(fd_, &calls, sizeof(calls));
  // What is looked at after this is looked at after this, not before.
  called_.exchange(false, std::memory_order_seq_cst);
  std::atomic_thread_fence(std::memory_order_seq_cst);
}

}  // namespace flowstitch
