#include "base/waker.h"

#include <sys/eventfd.h>
#include <unistd.h>

#include <cstdint>

namespace flowstitch {

Waker::Waker() : fd_(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {}

Waker::~Waker() {
  if (fd_ >= 0) close(fd_);
}

void Waker::Wake() {
  if (fd_ < 0 || called_.exchange(true, std::memory_order_acq_rel)) return;
  const uint64_t one = 1;
  // It cannot be full: one call is under way at a time.
  [[maybe_unused]] const ssize_t n = write(fd_, &one, sizeof(one));
}

void Waker::Clear() {
  if (fd_ < 0 || !called_.load(std::memory_order_acquire)) return;
  uint64_t calls = 0;
  [[maybe_unused]] const ssize_t n = read(fd_, &calls, sizeof(calls));
  called_.store(false, std::memory_order_release);
}

}  // namespace flowstitch
