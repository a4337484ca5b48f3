#include "base/sandbox.h"

#include <fcntl.h>
#include <seccomp.h>
#include <sys/prctl.h>

#include <cerrno>
#include <cstring>
#include <memory>
#include <vector>

#include "absl/strings/str_cat.h"

namespace flowstitch {
namespace {

// Other processes, the machine, the view of the file system, other identities.
constexpr int kNever[] = {
#if !defined(__SANITIZE_ADDRESS__)  // which looks for leaks with it
    SCMP_SYS(ptrace),
#endif

    SCMP_SYS(process_vm_readv),
    SCMP_SYS(process_vm_writev),
    SCMP_SYS(kcmp),
    SCMP_SYS(pidfd_getfd),
    SCMP_SYS(mount),
    SCMP_SYS(umount2),
    SCMP_SYS(pivot_root),
    SCMP_SYS(chroot),
    SCMP_SYS(move_mount),
    SCMP_SYS(open_tree),
    SCMP_SYS(fsopen),
    SCMP_SYS(fsmount),
    SCMP_SYS(unshare),
    SCMP_SYS(setns),
    SCMP_SYS(setuid),
    SCMP_SYS(setgid),
    SCMP_SYS(setreuid),
    SCMP_SYS(setregid),
    SCMP_SYS(setresuid),
    SCMP_SYS(setresgid),
    SCMP_SYS(setgroups),
    SCMP_SYS(setfsuid),
    SCMP_SYS(setfsgid),
    SCMP_SYS(capset),
    SCMP_SYS(init_module),
    SCMP_SYS(finit_module),
    SCMP_SYS(delete_module),
    SCMP_SYS(kexec_load),
    SCMP_SYS(kexec_file_load),
    SCMP_SYS(reboot),
    SCMP_SYS(swapon),
    SCMP_SYS(swapoff),
    SCMP_SYS(settimeofday),
    SCMP_SYS(clock_settime),
    SCMP_SYS(clock_adjtime),
    SCMP_SYS(adjtimex),
    SCMP_SYS(sethostname),
    SCMP_SYS(setdomainname),
    SCMP_SYS(bpf),
    SCMP_SYS(perf_event_open),
    SCMP_SYS(userfaultfd),
    SCMP_SYS(keyctl),
    SCMP_SYS(add_key),
    SCMP_SYS(request_key),
    SCMP_SYS(open_by_handle_at),
    SCMP_SYS(name_to_handle_at),
    SCMP_SYS(quotactl),
    SCMP_SYS(acct),
    SCMP_SYS(syslog),
    SCMP_SYS(mknod),
    SCMP_SYS(mknodat),
    SCMP_SYS(iopl),
    SCMP_SYS(ioperm),
    SCMP_SYS(personality),
    SCMP_SYS(io_uring_setup),
};
constexpr int kPrograms[] = {SCMP_SYS(execve), SCMP_SYS(execveat), SCMP_SYS(fork), SCMP_SYS(vfork)};
// Of a process that writes nothing. A socket's own file may be made and removed.
constexpr int kFiles[] = {
    SCMP_SYS(creat),    SCMP_SYS(rename),    SCMP_SYS(renameat), SCMP_SYS(renameat2),
    SCMP_SYS(link),     SCMP_SYS(linkat),    SCMP_SYS(symlink),  SCMP_SYS(symlinkat),
    SCMP_SYS(truncate), SCMP_SYS(ftruncate), SCMP_SYS(chown),    SCMP_SYS(lchown),
    SCMP_SYS(fchown),   SCMP_SYS(fchownat),  SCMP_SYS(openat2),
};

struct Release {
  void operator()(void* filter) const { seccomp_release(filter); }
};

}  // namespace

absl::Status EnterSandbox(const SandboxOptions& options) {
  const auto failed = [](const char* what, int error) {
    return absl::FailedPreconditionError(
        absl::StrCat("cannot enter the sandbox: ", what, ": ", std::strerror(error)));
  };
  if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) return failed("no_new_privs", errno);
  const std::unique_ptr<void, Release> filter(seccomp_init(SCMP_ACT_ALLOW));
  if (filter == nullptr) return failed("seccomp_init", ENOMEM);
  int error = seccomp_attr_set(filter.get(), SCMP_FLTATR_CTL_TSYNC, 1);
  std::vector<int> calls(std::begin(kNever), std::end(kNever));
  if (!options.runs_commands) {
    calls.insert(calls.end(), std::begin(kPrograms), std::end(kPrograms));
  }
  if (!options.writes_files) calls.insert(calls.end(), std::begin(kFiles), std::end(kFiles));
  for (const int call : calls) {
    if (error == 0) error = seccomp_rule_add(filter.get(), SCMP_ACT_ERRNO(EPERM), call, 0);
  }
  // Opened to be written, in the second argument of one and the third of the other.
  const auto masked = [](unsigned argument, scmp_datum_t wanted) {
    scmp_arg_cmp compare = {};
    compare.arg = argument;
    compare.op = SCMP_CMP_MASKED_EQ;
    compare.datum_a = O_ACCMODE;
    compare.datum_b = wanted;
    return compare;
  };
  for (const auto mode : {O_WRONLY, O_RDWR}) {
    if (options.writes_files || error != 0) break;
    const scmp_datum_t wanted = static_cast<scmp_datum_t>(mode);
    error =
        seccomp_rule_add(filter.get(), SCMP_ACT_ERRNO(EPERM), SCMP_SYS(open), 1, masked(1, wanted));
    if (error != 0) break;
    error = seccomp_rule_add(filter.get(), SCMP_ACT_ERRNO(EPERM), SCMP_SYS(openat), 1,
                             masked(2, wanted));
  }
  if (error != 0) return failed("its rules", -error);
  error = seccomp_load(filter.get());
  return error == 0 ? absl::OkStatus() : failed("seccomp_load", -error);
}

}  // namespace flowstitch
