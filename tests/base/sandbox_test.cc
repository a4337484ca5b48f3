// Each thing that is forbidden is tried, in a child of its own.
#include "base/process/sandbox.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <linux/capability.h>
#include <netdb.h>
#include <sched.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <functional>
#include <thread>

#include "base/process/privileges.h"
#include "base/sanitizers_build.h"
#include "tests/support/temporary_directory.h"

namespace flowstitch {
namespace {

using testing::TemporaryDirectory;

constexpr int kNoSandbox = 77;

// What a child of ours ends with, when it does `attempt`; 255: by a signal.
int InChild(const std::function<int()>& attempt) {
  const pid_t child = fork();
  if (child == 0) _exit(attempt());
  int status = 0;
  waitpid(child, &status, 0);
  return WIFEXITED(status) ? WEXITSTATUS(status) : 255;
}

// Runs `attempt` in a sandbox; what it returns is its exit status. 0: allowed.
int InSandbox(const SandboxOptions& options, const std::function<int()>& attempt) {
  return InChild([&] { return EnterSandbox(options).ok() ? attempt() : kNoSandbox; });
}

// Whether this kernel has seccomp at all: where it has, entering must succeed.
bool KernelHasSeccomp() { return prctl(PR_GET_SECCOMP, 0, 0, 0, 0) >= 0; }
bool KernelHasLandlock() { return syscall(444, nullptr, 0, 1) >= 1; }

int ErrnoOf(int64_t result) { return result < 0 ? errno : 0; }
int ErrnoOfMap(const void* result) { return result == MAP_FAILED ? errno : 0; }

int RunTrue() {
  char name[] = "/bin/true";
  char* const arguments[] = {name, nullptr};
  return ErrnoOf(execv(name, arguments));
}

class Sandbox : public ::testing::Test {
  void SetUp() override {
    if (!KernelHasSeccomp()) GTEST_SKIP() << "this kernel has no seccomp";
  }

 protected:
  // That may read and write everything: what is refused then is no matter of files.
  static SandboxOptions WritesAll() {
    SandboxOptions options;
    options.files.writes = {"/"};
    options.writes_files = true;
    return options;
  }
  static SandboxOptions ReadsAll() {
    SandboxOptions options;
    options.files.reads = {"/"};
    return options;
  }
};

using Attempts = std::vector<std::pair<const char*, std::function<int()>>>;

TEST_F(Sandbox, WhatOnlyAnAttackerDoesIsRefusedToAll) {
  const pid_t parent = getpid();
  Attempts attempts = {
      {"a program", RunTrue},
      {"a mount", [] { return ErrnoOf(mount("none", "/mnt", "tmpfs", 0, nullptr)); }},
      {"a namespace", [] { return ErrnoOf(unshare(CLONE_NEWNS)); }},
      {"another user", [] { return ErrnoOf(setuid(12345)); }},
      {"chroot", [] { return ErrnoOf(chroot("/")); }},
      {"bpf", [] { return ErrnoOf(syscall(SYS_bpf, 0, nullptr, 0)); }},
      {"io_uring", [] { return ErrnoOf(syscall(SYS_io_uring_setup, 1, nullptr)); }},
      {"a signal", [parent] { return ErrnoOf(kill(parent, 0)); }},
      {"a signal to itself", [] { return ErrnoOf(kill(getpid(), 0)); }},
      {"a packet socket", [] { return ErrnoOf(socket(AF_PACKET, SOCK_RAW, 0)); }},
      {"a raw socket", [] { return ErrnoOf(socket(AF_INET, SOCK_RAW, 255)); }},
      {"a raw IPv6 socket", [] { return ErrnoOf(socket(AF_INET6, SOCK_RAW | SOCK_CLOEXEC, 58)); }},
      {"executable memory",
       [] {
         return ErrnoOfMap(mmap(nullptr, 4096, PROT_READ | PROT_WRITE | PROT_EXEC,
                                MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
       }},
      {"memory made executable",
       [] {
         void* memory = mmap(nullptr, 4096, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
         return ErrnoOf(mprotect(memory, 4096, PROT_READ | PROT_EXEC));
       }},
      {"a link", [] { return ErrnoOf(symlink("/etc/passwd", "/tmp/no such link")); }},
      {"a file's owner", [] { return ErrnoOf(chown("/tmp", 1, 1)); }},
      {"a program, in a thread that was there before",
       [] {
         int result = 0;
         std::thread other([&result] { result = RunTrue(); });
         other.join();
         return result;
       }},
  };
  if (!kSanitizersBuild) {  // which looks for leaks so
    attempts.push_back({"a process", [] { return ErrnoOf(fork()); }});
    attempts.push_back(
        {"ptrace", [] { return ErrnoOf(ptrace(PTRACE_TRACEME, 0, nullptr, nullptr)); }});
  }
  for (const SandboxOptions& options : {ReadsAll(), WritesAll()}) {
    ASSERT_EQ(InSandbox(options, [] { return 0; }), 0);
    for (const auto& [what, attempt] : attempts) {
      EXPECT_EQ(InSandbox(options, attempt), EPERM) << what << ", " << options.writes_files;
    }
  }
}

TEST_F(Sandbox, WhoReadsOnlyChangesNoFile) {
  TemporaryDirectory directory;
  const std::string path = directory.path() + "/file";
  const std::string other = directory.path() + "/other";
  close(open(path.c_str(), O_WRONLY | O_CREAT, 0600));
  const Attempts attempts = {
      {"a new file", [&] { return ErrnoOf(open(other.c_str(), O_WRONLY | O_CREAT, 0600)); }},
      {"a new file to read",
       [&] { return ErrnoOf(open(other.c_str(), O_RDONLY | O_CREAT, 0600)); }},
      {"to write", [&] { return ErrnoOf(open(path.c_str(), O_WRONLY)); }},
      {"to read and write", [&] { return ErrnoOf(open(path.c_str(), O_RDWR)); }},
      {"emptying", [&] { return ErrnoOf(open(path.c_str(), O_RDONLY | O_TRUNC)); }},
      {"by the old call", [&] { return ErrnoOf(syscall(SYS_open, path.c_str(), O_WRONLY)); }},
      {"truncate", [&] { return ErrnoOf(truncate(path.c_str(), 0)); }},
      {"a rename", [&] { return ErrnoOf(rename(path.c_str(), other.c_str())); }},
      {"unlink", [&] { return ErrnoOf(unlink(path.c_str())); }},
      {"a directory", [&] { return ErrnoOf(mkdir(other.c_str(), 0700)); }},
      {"rmdir", [&] { return ErrnoOf(rmdir(directory.path().c_str())); }},
      {"a mode", [&] { return ErrnoOf(chmod(path.c_str(), 04777)); }},
      {"a hard link", [&] { return ErrnoOf(link(path.c_str(), other.c_str())); }},
  };
  for (const auto& [what, attempt] : attempts) {
    EXPECT_EQ(InSandbox(ReadsAll(), attempt), EPERM) << what;
  }
  EXPECT_EQ(InSandbox(ReadsAll(), [&] { return ErrnoOf(open(path.c_str(), O_RDONLY)); }), 0);
}

TEST_F(Sandbox, ACallThatNobodyThoughtOfIsNotThere) {
  for (const auto& [what, call] : std::vector<std::pair<const char*, long>>{
           {"clone3, whose flags nobody can judge", SYS_clone3},
           {"a call of the future", 100'000},
           {"remap_file_pages", SYS_remap_file_pages}}) {
    EXPECT_EQ(InSandbox(WritesAll(), [call = call] { return ErrnoOf(syscall(call, 0, 0)); }),
              ENOSYS)
        << what;
  }
}

TEST_F(Sandbox, FilesAreReachedByDirectory) {
  if (!KernelHasLandlock()) GTEST_SKIP() << "this kernel has no Landlock";
  if (kSanitizersBuild) GTEST_SKIP() << "a sanitizer reads files of its own";
  TemporaryDirectory ours;
  TemporaryDirectory others;
  const std::string readable = ours.path() + "/readable";
  const std::string writable = ours.path() + "/writable";
  mkdir(writable.c_str(), 0700);
  for (const std::string& path : {readable, ours.path() + "/file", others.path() + "/file"}) {
    close(open(path.c_str(), O_WRONLY | O_CREAT, 0600));
  }
  ASSERT_EQ(symlink(others.path().c_str(), (writable + "/link").c_str()), 0);
  SandboxOptions options;
  options.writes_files = true;
  options.files.reads = {readable, "", "-", ours.path() + "/not there"};
  options.files.writes = {writable};
  const auto reads = [](const std::string& path) {
    return [path] { return ErrnoOf(open(path.c_str(), O_RDONLY)); };
  };
  const auto makes = [](const std::string& path) {
    return [path] { return ErrnoOf(open(path.c_str(), O_WRONLY | O_CREAT, 0600)); };
  };
  EXPECT_EQ(InSandbox(options, reads(readable)), 0);
  EXPECT_EQ(InSandbox(options, makes(readable)), EACCES);
  EXPECT_EQ(InSandbox(options, makes(writable + "/file")), 0);
  EXPECT_EQ(InSandbox(options, reads(writable + "/file")), 0);
  EXPECT_EQ(InSandbox(options,
                      [&] {
                        mkdir((writable + "/deep").c_str(), 0700);
                        const std::string from = writable + "/file";
                        const std::string to = writable + "/deep/file";
                        if (rename(from.c_str(), to.c_str()) != 0) return errno;
                        return ErrnoOf(unlink(to.c_str()));
                      }),
            0);
  EXPECT_EQ(InSandbox(options, reads(ours.path() + "/file")), EACCES);
  EXPECT_EQ(InSandbox(options, makes(ours.path() + "/new")), EACCES);
  EXPECT_EQ(InSandbox(options, reads(writable + "/link/file")), EACCES) << "a link leads nowhere";
  EXPECT_EQ(InSandbox(options, [&] { return ErrnoOf(unlink(readable.c_str())); }), EACCES);
  EXPECT_EQ(InSandbox(options, reads("/etc/shadow")), EACCES);
  EXPECT_EQ(InSandbox(options, reads("/etc/passwd")), 0);
  EXPECT_EQ(InSandbox(options,
                      [&] {
                        int result = 0;
                        std::thread later([&] { result = makes(ours.path() + "/new")(); });
                        later.join();
                        return result;
                      }),
            EACCES)
      << "threads that come later are bound too";
}

TEST_F(Sandbox, WhatIsNeededWorks) {
  EXPECT_EQ(InSandbox({}, [] { return ErrnoOf(open("/dev/null", O_RDONLY)); }), 0);
  for (const int family : {AF_UNIX, AF_INET, AF_INET6}) {
    EXPECT_EQ(InSandbox({}, [=] { return ErrnoOf(socket(family, SOCK_STREAM | SOCK_CLOEXEC, 0)); }),
              0)
        << family;
  }
  EXPECT_EQ(InSandbox({},
                      [] {
                        std::thread([] {}).join();
                        return 0;
                      }),
            0);
  EXPECT_EQ(InSandbox({},
                      [] {
                        addrinfo* found = nullptr;
                        const int failed = getaddrinfo("localhost", "80", nullptr, &found);
                        return failed == 0 ? 0 : 1;
                      }),
            0);
  EXPECT_EQ(InSandbox({}, []() -> int { abort(); }), 255) << "by its signal";
}

TEST_F(Sandbox, NothingIsLeftToReadOfTheProcess) {
  if (kSanitizersBuild) GTEST_SKIP() << "a sanitizer is let look";
  EXPECT_EQ(InSandbox({}, [] { return prctl(PR_GET_DUMPABLE, 0, 0, 0, 0); }), 0);
  EXPECT_EQ(InSandbox({},
                      [] {
                        rlimit limit = {1, 1};
                        getrlimit(RLIMIT_CORE, &limit);
                        return static_cast<int>(limit.rlim_max);
                      }),
            0);
}

// The capabilities in force, the lowest eight bits of them: those that have to do with files.
int EffectiveCapabilities() {
  __user_cap_header_struct header = {_LINUX_CAPABILITY_VERSION_3, 0};
  __user_cap_data_struct sets[2] = {};
  syscall(SYS_capget, &header, sets);
  return sets[1].effective != 0 ? 254 : static_cast<int>(sets[0].effective & 0xff);
}

TEST(Privileges, RootKeepsNoCapabilityThatItsFilesDoNotNeed) {
  if (geteuid() != 0) GTEST_SKIP() << "run as root";
  TemporaryDirectory own;
  TemporaryDirectory anothers;
  ASSERT_EQ(chown(anothers.path().c_str(), 12345, 12345), 0);
  ASSERT_EQ(chmod(anothers.path().c_str(), 0700), 0);
  const auto kept = [](FileRights files) {
    return InChild([&] { return GiveUpCapabilities(files).ok() ? EffectiveCapabilities() : 253; });
  };
  EXPECT_EQ(kept({{own.path()}, {own.path()}, {}}), 0);
  EXPECT_EQ(kept({{anothers.path()}, {}, {}}), 1 << CAP_DAC_READ_SEARCH);
  EXPECT_EQ(kept({{}, {anothers.path()}, {}}), 1 << CAP_DAC_OVERRIDE | 1 << CAP_FOWNER);
  EXPECT_TRUE(ReadsWithoutCapabilities(own.path()));
  EXPECT_FALSE(ReadsWithoutCapabilities(anothers.path()));
  EXPECT_EQ(InChild([] {
              return GiveUpCapabilities({}).ok() ? ErrnoOf(socket(AF_INET, SOCK_RAW, 255)) : 0;
            }),
            EPERM);
}

TEST(Privileges, UnderSudoItIsWhoeverAsked) {
  if (geteuid() != 0) GTEST_SKIP() << "run as root";
  setenv("SUDO_UID", "1", 1);  // "daemon", of every Debian
  EXPECT_EQ(OfInvokingUser({}).user, "daemon");
  EXPECT_EQ(OfInvokingUser({"root", ""}).user, "root") << "-U says otherwise";
  for (const char* nobody : {"0", "4000000000", "x", ""}) {
    setenv("SUDO_UID", nobody, 1);
    EXPECT_EQ(OfInvokingUser({}).user, "") << nobody;
  }
  unsetenv("SUDO_UID");
  EXPECT_EQ(OfInvokingUser({}).user, "");
}

}  // namespace
}  // namespace flowstitch
