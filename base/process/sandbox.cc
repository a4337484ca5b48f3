#include "base/process/sandbox.h"

#include <fcntl.h>
#include <net/if.h>
#include <openssl/crypto.h>
#include <sched.h>
#include <spdlog/spdlog.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <memory>

#include "absl/strings/str_cat.h"
#include "base/memory/memory_plan.h"
#include "base/process/name_services.h"
#include "base/process/privileges.h"
#include "base/process/system_calls.h"
#include "base/sanitizers_build.h"

namespace flowstitch {
namespace {

// What name services, the C library and OpenSSL read whenever they like. Root reads no directory of
// secrets for it: a configuration that is exchanged later is not seen then.
constexpr const char* kEverybodyReads[] = {
    "/dev/null",
    "/dev/urandom",
    "/dev/random",
    "/dev/zero",
    "/usr/share/zoneinfo",
    "/sys/devices/system/cpu",
    "/run/systemd/resolve",
    "/run/resolvconf",
    "/run/NetworkManager",
};
constexpr const char* kOfEtc[] = {
    "/etc/localtime", "/etc/nsswitch.conf", "/etc/resolv.conf",     "/etc/hosts",
    "/etc/host.conf", "/etc/gai.conf",      "/etc/services",        "/etc/passwd",
    "/etc/group",     "/etc/protocols",     "/etc/ssl/openssl.cnf",
};

constexpr unsigned kInterfaceQueries[] = {
    FIONREAD,    FIONBIO,      TCGETS,      TIOCGWINSZ, TIOCGPGRP,     SIOCGIFFLAGS,
    SIOCGIFADDR, SIOCGIFINDEX, SIOCGIFNAME, SIOCGIFMTU, SIOCGIFHWADDR, SIOCGIFCONF,
};

constexpr int kHarmlessPrctl[] = {PR_SET_NAME,     PR_GET_NAME,     PR_GET_DUMPABLE,
                                  PR_GET_SECCOMP,  PR_CAPBSET_READ, PR_GET_NO_NEW_PRIVS,
                                  PR_SET_PDEATHSIG};

// An argument that has these bits of a mask.
scmp_arg_cmp Bits(unsigned argument, scmp_datum_t mask, scmp_datum_t wanted) {
  scmp_arg_cmp compare = {};
  compare.arg = argument;
  compare.op = SCMP_CMP_MASKED_EQ;
  compare.datum_a = mask;
  compare.datum_b = wanted;
  return compare;
}

// An argument of 32 bits.
scmp_arg_cmp Is(unsigned argument, scmp_datum_t wanted) {
  return Bits(argument, 0xffff'ffff, wanted & 0xffff'ffff);
}

class Filter {
 public:
  Filter() : filter_(seccomp_init(SCMP_ACT_ERRNO(ENOSYS))) {
    if (filter_ == nullptr) {
      error_ = ENOMEM;
      return;
    }
    Note(seccomp_attr_set(filter_.get(), SCMP_FLTATR_CTL_TSYNC, 1));
    // A tree of the calls in place of a chain.
    seccomp_attr_set(filter_.get(), SCMP_FLTATR_CTL_OPTIMIZE, 2);
  }

  template <typename... Arguments>
  void Allow(int call, Arguments... arguments) {
    Add(SCMP_ACT_ALLOW, call, arguments...);
  }
  template <typename... Arguments>
  void Forbid(int call, Arguments... arguments) {
    Add(SCMP_ACT_ERRNO(EPERM), call, arguments...);
  }
  int Load() {
    if (error_ == 0) Note(seccomp_load(filter_.get()));
    return error_;
  }

 private:
  struct Release {
    void operator()(void* filter) const { seccomp_release(filter); }
  };

  template <typename... Arguments>
  void Add(uint32_t action, int call, Arguments... arguments) {
    if (error_ != 0) return;
    const scmp_arg_cmp compare[] = {arguments..., {}};
    Note(seccomp_rule_add_array(filter_.get(), action, call, sizeof...(arguments), compare));
  }
  void Note(int result) {
    // EDOM: this machine has no such call.
    if (result < 0 && result != -EDOM && error_ == 0) error_ = -result;
  }

  std::unique_ptr<void, Release> filter_;
  int error_ = 0;
};

void AddOpening(bool writes_files, Filter* filter) {
  const std::pair<int, unsigned> calls[] = {{SCMP_SYS(open), 1}, {SCMP_SYS(openat), 2}};
  for (const auto& [call, flags] : calls) {
    if (writes_files) {
      filter->Allow(call);
      continue;
    }
    filter->Allow(call, Bits(flags, O_ACCMODE | O_CREAT | O_TRUNC, O_RDONLY));
    for (const unsigned flag : std::to_array<unsigned>({O_WRONLY, O_RDWR, O_CREAT, O_TRUNC})) {
      filter->Forbid(call, Bits(flags, flag, flag));
    }
  }
}

void AddSockets(Filter* filter) {
  constexpr unsigned kTypes = 0xf;  // without SOCK_CLOEXEC and SOCK_NONBLOCK
  for (const unsigned family : std::to_array<unsigned>({AF_UNIX, AF_INET, AF_INET6})) {
    for (const unsigned type : {SOCK_STREAM, SOCK_DGRAM}) {
      filter->Allow(SCMP_SYS(socket), Is(0, family), Bits(1, kTypes, type));
    }
    filter->Forbid(SCMP_SYS(socket), Is(0, family), Bits(1, kTypes, SOCK_RAW));
  }
  filter->Allow(SCMP_SYS(socket), Is(0, AF_NETLINK), Is(2, 0));  // routes: which addresses we have
  filter->Forbid(SCMP_SYS(socket), Is(0, AF_PACKET));
}

void AddProcesses(Filter* filter) {
  if (kSanitizersBuild) {  // which looks for leaks with a process of its own
    filter->Allow(SCMP_SYS(clone));
    filter->Allow(SCMP_SYS(ptrace));
    filter->Allow(SCMP_SYS(prctl));
    filter->Allow(SCMP_SYS(personality));
  } else {
    // clone3's flags lie in memory: it is not there (ENOSYS), and the C library takes clone.
    filter->Allow(SCMP_SYS(clone), Bits(0, CLONE_THREAD, CLONE_THREAD));
    filter->Forbid(SCMP_SYS(clone), Bits(0, CLONE_THREAD, 0));
    filter->Forbid(SCMP_SYS(ptrace));
    for (const int option : kHarmlessPrctl) {
      filter->Allow(SCMP_SYS(prctl), Is(0, static_cast<unsigned>(option)));
    }
  }
  filter->Allow(SCMP_SYS(tgkill), Is(0, static_cast<unsigned>(getpid())));  // abort
}

void AddMemory(Filter* filter) {
  for (const int call : {SCMP_SYS(mmap), SCMP_SYS(mprotect)}) {
    filter->Allow(call, Bits(2, PROT_EXEC, 0));
    filter->Forbid(call, Bits(2, PROT_EXEC, PROT_EXEC));
  }
}

int FilterCalls(bool writes_files) {
  Filter filter;
  for (const int call : kAllowedCalls) filter.Allow(call);
  for (const int call : kForbiddenCalls) {
    if (kSanitizersBuild && call == SCMP_SYS(personality)) continue;
    filter.Forbid(call);
  }
  for (const int call : kWritingCalls) {
    if (writes_files) {
      filter.Allow(call);
    } else {
      filter.Forbid(call);
    }
  }
  for (const unsigned query : kInterfaceQueries) filter.Allow(SCMP_SYS(ioctl), Is(1, query));
  AddOpening(writes_files, &filter);
  AddSockets(&filter);
  AddProcesses(&filter);
  AddMemory(&filter);
  return filter.Load();
}

FileRights WithEverybodys(FileRights files) {
  files.reads.insert(files.reads.end(), std::begin(kEverybodyReads), std::end(kEverybodyReads));
  if (geteuid() == 0) {
    files.reads.insert(files.reads.end(), std::begin(kOfEtc), std::end(kOfEtc));
  } else {
    files.reads.push_back("/etc");  // what others than root may read there is no secret
  }
  return files;
}

}  // namespace

absl::Status EnterSandbox(const SandboxOptions& options) {
  const auto failed = [](const char* what, int error) {
    return absl::FailedPreconditionError(
        absl::StrCat("cannot enter the sandbox: ", what, ": ", std::strerror(error)));
  };
  if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) return failed("no_new_privs", errno);
  const rlimit no_core = {0, 0};
  setrlimit(RLIMIT_CORE, &no_core);
  if (!kSanitizersBuild && prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) != 0) {
    return failed("not dumpable", errno);
  }
  const auto confined = ConfineFiles(WithEverybodys(options.files));
  if (!confined.ok()) return confined.status();
  if (!*confined) spdlog::debug("files are not confined: there is no Landlock");
  const int error = FilterCalls(options.writes_files);
  return error == 0 ? absl::OkStatus() : failed("its system calls", error);
}

void Confine(const SandboxOptions& options) {
  // What is asked of the system later is out of reach then.
  LoadNameServices();
  OPENSSL_init_crypto(OPENSSL_INIT_LOAD_CONFIG, nullptr);  // and providers that it names
  DefaultMemory();
  if (const absl::Status status = GiveUpCapabilities(options.files); !status.ok()) {
    spdlog::warn("{}; it goes on with them", std::string(status.message()));
  }
  if (const absl::Status boxed = EnterSandbox(options); !boxed.ok()) {
    spdlog::warn("{}; it goes on without", std::string(boxed.message()));
  }
}

}  // namespace flowstitch
