#include "base/descriptors.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <fstream>
#include <string>

namespace flowstitch {
namespace {

// Entries of the kernel's table, as it tells itself (proc_pid_status(5)).
int TableSize() {
  std::ifstream status("/proc/self/status");
  std::string word;
  while (status >> word) {
    int size = 0;
    if (word == "FDSize:" && status >> size) return size;
  }
  return -1;
}

TEST(Descriptors, LimitIsRaisedAsFarAsItGoes) {
  rlimit limit = {};
  ASSERT_EQ(getrlimit(RLIMIT_NOFILE, &limit), 0);
  limit.rlim_cur = std::min<rlim_t>(limit.rlim_max, 64);
  ASSERT_EQ(setrlimit(RLIMIT_NOFILE, &limit), 0);
  const int told = RaiseDescriptorLimit();
  ASSERT_EQ(getrlimit(RLIMIT_NOFILE, &limit), 0);
  EXPECT_EQ(limit.rlim_cur, limit.rlim_max);
  EXPECT_EQ(static_cast<rlim_t>(told), std::min<rlim_t>(limit.rlim_max, 1 << 20));
}

TEST(Descriptors, TableHasRoomAndNothingIsLeftOpen) {
  const int count = std::min(5000, RaiseDescriptorLimit());
  const int first_free = open("/dev/null", O_RDONLY | O_CLOEXEC);
  ASSERT_GE(first_free, 0);
  close(first_free);
  ReserveDescriptors(count);
  EXPECT_GE(TableSize(), count);
  const int next = open("/dev/null", O_RDONLY | O_CLOEXEC);
  EXPECT_EQ(next, first_free);
  close(next);
  EXPECT_EQ(fcntl(count - 1, F_GETFD), -1);
}

TEST(Descriptors, MoreThanTheLimitIsAsManyAsThereMayBe) {
  const int limit = RaiseDescriptorLimit();
  if (limit > 100000) GTEST_SKIP() << "the limit is so high that its table would take much memory";
  ReserveDescriptors(limit + 1000);
  EXPECT_GE(TableSize(), limit);
}

}  // namespace
}  // namespace flowstitch
