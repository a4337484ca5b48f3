// Wakes a thread that waits for sockets: a descriptor that can be read once another thread has
// called.
#ifndef FLOWSTITCH_BASE_PROCESS_WAKER_H_
#define FLOWSTITCH_BASE_PROCESS_WAKER_H_

#include <atomic>

namespace flowstitch {

class Waker {
 public:
  Waker();
  ~Waker();
  Waker(const Waker&) = delete;
  Waker& operator=(const Waker&) = delete;

  // From any thread. Calls between two of Clear cost nothing but the first.
  void Wake();
  // The waiting thread is awake, and looks at everything after this.
  void Clear();
  // To be waited for; -1 where the system has none left: then nobody is woken.
  int fd() const { return fd_; }

 private:
  const int fd_;
  std::atomic<bool> called_{false};
};

}  // namespace flowstitch

#endif  // FLOWSTITCH_BASE_PROCESS_WAKER_H_
