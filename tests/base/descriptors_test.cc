#include "base/descriptors.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
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

// In a process of its own, whose table is as small as what is open (fork gives it such a one), with
// a limit of `limit`: whether ReserveDescriptors(count) gives room for `room`, and leaves nothing
// open.
[[noreturn]] void ReserveAndExit(rlim_t limit, int count, int room) {
  const rlimit lowered = {limit, limit};
  const int before = TableSize();
  const int first_free = open("/dev/null", O_RDONLY | O_CLOEXEC);
  close(first_free);
  const bool set = setrlimit(RLIMIT_NOFILE, &lowered) == 0;
  ReserveDescriptors(count);
  const int after = TableSize();
  const bool same = open("/dev/null", O_RDONLY | O_CLOEXEC) == first_free;
  const bool closed = fcntl(room - 1, F_GETFD) == -1;
  std::fprintf(stderr, "%d entries before, %d after, %d wanted\n", before, after, room);
  std::_Exit(set && first_free >= 0 && before < room && after >= room && same && closed ? 0 : 1);
}

TEST(Descriptors, TableHasRoomAndNothingIsLeftOpen) {
  EXPECT_EXIT(ReserveAndExit(900, 800, 800), testing::ExitedWithCode(0), "800 wanted");
}

TEST(Descriptors, MoreThanTheLimitIsAsManyAsThereMayBe) {
  EXPECT_EXIT(ReserveAndExit(900, 5000, 900), testing::ExitedWithCode(0), "900 wanted");
}

}  // namespace
}  // namespace flowstitch
