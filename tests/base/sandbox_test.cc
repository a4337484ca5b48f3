// Each thing that is forbidden is tried, in a child of its own.
#include "base/sandbox.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <functional>
#include <thread>

#include "tests/support/temporary_directory.h"

namespace flowstitch {
namespace {

using testing::TemporaryDirectory;

constexpr int kNoSandbox = 77;

// Runs `attempt` in a sandbox; what it returns is its exit status. 0: allowed.
int InSandbox(const SandboxOptions& options, const std::function<int()>& attempt) {
  const pid_t child = fork();
  if (child == 0) {
    if (!EnterSandbox(options).ok()) _exit(kNoSandbox);
    _exit(attempt());
  }
  int status = 0;
  waitpid(child, &status, 0);
  return WIFEXITED(status) ? WEXITSTATUS(status) : 255;
}

// Whether this kernel has seccomp at all: where it has, entering must succeed.
bool KernelHasSeccomp() { return prctl(PR_GET_SECCOMP, 0, 0, 0, 0) >= 0; }

int ErrnoOf(int64_t result) { return result < 0 ? errno : 0; }

class Sandbox : public ::testing::Test {
  void SetUp() override {
    if (!KernelHasSeccomp()) GTEST_SKIP() << "this kernel has no seccomp";
  }
};

TEST_F(Sandbox, WhatIsForbiddenFails) {
  TemporaryDirectory directory;
  const std::string path = directory.path() + "/file";
  const SandboxOptions reads_only;
  ASSERT_EQ(InSandbox(reads_only, [] { return 0; }), 0);
  const std::pair<const char*, std::function<int()>> attempts[] = {
    {"a program",
     [] {
       char name[] = "/bin/true";
       char* const arguments[] = {name, nullptr};
       return ErrnoOf(execv(name, arguments));
     }},
#if !defined(__SANITIZE_ADDRESS__)
    {"ptrace", [] { return ErrnoOf(ptrace(PTRACE_TRACEME, 0, nullptr, nullptr)); }},
#endif
    {"a mount", [] { return ErrnoOf(mount("none", "/mnt", "tmpfs", 0, nullptr)); }},
    {"a namespace", [] { return ErrnoOf(unshare(CLONE_NEWNS)); }},
    {"another user", [] { return ErrnoOf(setuid(12345)); }},
    {"chroot", [] { return ErrnoOf(chroot("/")); }},
    {"bpf", [] { return ErrnoOf(syscall(SYS_bpf, 0, nullptr, 0)); }},
    {"a new file", [&] { return ErrnoOf(open(path.c_str(), O_WRONLY | O_CREAT, 0600)); }},
    {"a file to read and write", [] { return ErrnoOf(open("/dev/null", O_RDWR)); }},
    {"a rename", [&] { return ErrnoOf(rename(path.c_str(), (path + "2").c_str())); }},
    {"a program, in a thread that was there before",
     [] {
       int result = 0;
       std::thread other([&result] {
         char name[] = "/bin/true";
         char* const arguments[] = {name, nullptr};
         result = ErrnoOf(execv(name, arguments));
       });
       other.join();
       return result;
     }}
  };
  for (const auto& [what, attempt] : attempts) {
    EXPECT_EQ(InSandbox(reads_only, attempt), EPERM) << what;
  }
}

TEST_F(Sandbox, WhatIsNeededWorks) {
  TemporaryDirectory directory;
  const std::string path = directory.path() + "/file";
  EXPECT_EQ(InSandbox({}, [] { return ErrnoOf(open("/dev/null", O_RDONLY)); }), 0);
  EXPECT_EQ(InSandbox({}, [] { return ErrnoOf(socket(AF_INET, SOCK_STREAM, 0)); }), 0);
  EXPECT_EQ(InSandbox({},
                      [] {
                        std::thread([] {}).join();
                        return 0;
                      }),
            0);
  SandboxOptions writes;
  writes.writes_files = true;
  EXPECT_EQ(
      InSandbox(writes, [&] { return ErrnoOf(open(path.c_str(), O_WRONLY | O_CREAT, 0600)); }), 0);
  SandboxOptions runs;
  runs.runs_commands = true;
  EXPECT_EQ(InSandbox(runs,
                      [] {
                        char name[] = "/bin/true";
                        char* const arguments[] = {name, nullptr};
                        return ErrnoOf(execv(name, arguments));
                      }),
            0);
}

}  // namespace
}  // namespace flowstitch
