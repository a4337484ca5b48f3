#include "base/descriptors.h"

#include <fcntl.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>

namespace flowstitch {

int RaiseDescriptorLimit() {
  rlimit limit = {};
  getrlimit(RLIMIT_NOFILE, &limit);
  limit.rlim_cur = limit.rlim_max;
  setrlimit(RLIMIT_NOFILE, &limit);
  getrlimit(RLIMIT_NOFILE, &limit);
  return static_cast<int>(std::min<rlim_t>(limit.rlim_cur, 1 << 20));
}

void ReserveDescriptors(int count) {
  const int last = std::min(count, RaiseDescriptorLimit()) - 1;
  const int any = open("/", O_PATH | O_CLOEXEC);
  if (any < 0) return;
  // One with so high a number: the room for it stays when it is closed.
  const int high = fcntl(any, F_DUPFD_CLOEXEC, std::max(last, any));
  if (high >= 0) close(high);
  close(any);
}

}  // namespace flowstitch
