// A file descriptor that is closed with its owner.
#ifndef FLOWSTITCH_BASE_OWNED_DESCRIPTOR_H_
#define FLOWSTITCH_BASE_OWNED_DESCRIPTOR_H_

#include <unistd.h>

#include <utility>

namespace flowstitch {

class OwnedDescriptor {
 public:
  // -1: none, as open(2) says.
  explicit OwnedDescriptor(int fd) : fd_(fd) {}
  ~OwnedDescriptor() {
    if (fd_ >= 0) close(fd_);
  }
  OwnedDescriptor(const OwnedDescriptor&) = delete;
  OwnedDescriptor& operator=(const OwnedDescriptor&) = delete;
  OwnedDescriptor(OwnedDescriptor&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  OwnedDescriptor& operator=(OwnedDescriptor&& other) noexcept {
    std::swap(fd_, other.fd_);
    return *this;
  }
  int get() const { return fd_; }

 private:
  int fd_;
};

}  // namespace flowstitch

#endif  // FLOWSTITCH_BASE_OWNED_DESCRIPTOR_H_
