#include "base/process/privileges.h"

#include <fcntl.h>
#include <grp.h>
#include <linux/capability.h>
#include <pwd.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <utility>

#include "absl/strings/numbers.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_split.h"
#include "base/owned_descriptor.h"

namespace flowstitch {
namespace {

absl::Status Failed(const std::string& what) {
  return absl::PermissionDeniedError(absl::StrFormat("cannot %s: %s", what, std::strerror(errno)));
}

// Gives a directory that was just made to its user. The user may own the one above, and put
// something else in its place meanwhile: only an empty directory of our own is given away, and
// through its descriptor.
absl::Status GiveAway(int fd, const std::string& name, uid_t uid, gid_t gid) {
  struct stat info = {};
  if (fstat(fd, &info) != 0 || info.st_uid != geteuid() || info.st_nlink > 2) {
    return absl::PermissionDeniedError(
        absl::StrFormat("the directory '%s' was replaced while it was made", name));
  }
  if (fchown(fd, uid, gid) != 0) return Failed("give away the directory '" + name + "'");
  return absl::OkStatus();
}

// A link is followed only where root made it.
int OpenPart(int above, const std::string& part) {
  struct stat info = {};
  const bool trusted = fstatat(above, part.c_str(), &info, AT_SYMLINK_NOFOLLOW) == 0 &&
                       S_ISLNK(info.st_mode) && info.st_uid == 0;
  return openat(above, part.c_str(),
                O_RDONLY | O_DIRECTORY | O_CLOEXEC | (trusted ? 0 : O_NOFOLLOW));
}

absl::Status MakeDirectories(const std::string& path, uid_t uid, gid_t gid) {
  OwnedDescriptor at(open(path[0] == '/' ? "/" : ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  for (const absl::string_view view : absl::StrSplit(path, '/', absl::SkipEmpty())) {
    const std::string part(view);
    const bool made = mkdirat(at.get(), part.c_str(), 0777) == 0;
    if (!made && errno != EEXIST) return Failed("make the directory '" + path + "'");
    OwnedDescriptor next(OpenPart(at.get(), part));
    if (next.get() < 0) return Failed("use the directory '" + path + "'");
    if (made) {
      if (const absl::Status status = GiveAway(next.get(), path, uid, gid); !status.ok()) {
        return status;
      }
    }
    at = std::move(next);
  }
  return absl::OkStatus();
}

// Of this thread. The C library has no call for it.
using CapabilitySets = __user_cap_data_struct[_LINUX_CAPABILITY_U32S_3];

absl::Status GetCapabilities(CapabilitySets* sets) {
  __user_cap_header_struct header = {_LINUX_CAPABILITY_VERSION_3, 0};
  if (syscall(SYS_capget, &header, sets) != 0) return Failed("read the capabilities");
  return absl::OkStatus();
}

absl::Status SetCapabilities(const CapabilitySets& sets) {
  __user_cap_header_struct header = {_LINUX_CAPABILITY_VERSION_3, 0};
  if (syscall(SYS_capset, &header, &sets) != 0) return Failed("give up capabilities");
  return absl::OkStatus();
}

// Without effect as long as it lives.
class NoCapabilities {
 public:
  NoCapabilities() {
    if (!GetCapabilities(&before_).ok()) return;
    CapabilitySets none = {before_[0], before_[1]};
    none[0].effective = none[1].effective = 0;
    set_ = SetCapabilities(none).ok();
  }
  ~NoCapabilities() {
    if (set_) SetCapabilities(before_).IgnoreError();
  }
  NoCapabilities(const NoCapabilities&) = delete;
  NoCapabilities& operator=(const NoCapabilities&) = delete;

 private:
  CapabilitySets before_ = {};
  bool set_ = false;
};

// Whether all that is there may be used so, by our user alone.
bool MayUse(const std::vector<std::string>& paths, int how) {
  const NoCapabilities none;
  return std::all_of(paths.begin(), paths.end(), [how](const std::string& path) {
    return path.empty() || path == "-" || faccessat(AT_FDCWD, path.c_str(), how, AT_EACCESS) == 0 ||
           errno == ENOENT;
  });
}

}  // namespace

Privileges OfInvokingUser(Privileges privileges) {
  const char* text = geteuid() == 0 ? std::getenv("SUDO_UID") : nullptr;
  uid_t uid = 0;
  if (!privileges.user.empty() || text == nullptr || !absl::SimpleAtoi(text, &uid) || uid == 0) {
    return privileges;
  }
  if (const passwd* user = getpwuid(uid); user != nullptr) privileges.user = user->pw_name;
  return privileges;
}

bool ReadsWithoutCapabilities(const std::string& path) { return MayUse({path}, R_OK); }

absl::Status GiveUpCapabilities(const FileRights& files) {
  uint32_t kept = 0;
  if (geteuid() == 0) {
    if (!MayUse(files.reads, R_OK)) kept |= 1U << CAP_DAC_READ_SEARCH;
    if (!MayUse(files.writes, W_OK) || !MayUse(files.sockets, W_OK)) {
      kept |= 1U << CAP_DAC_OVERRIDE | 1U << CAP_FOWNER;
    }
  }
  CapabilitySets sets = {};
  if (const absl::Status status = GetCapabilities(&sets); !status.ok()) return status;
  const uint32_t left = sets[0].permitted & kept;
  prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0);
  return SetCapabilities({{left, left, 0}, {0, 0, 0}});
}

absl::Status CheckPrivileges(const Privileges& privileges) {
  if (!privileges.any()) return absl::OkStatus();
  if (privileges.user.empty()) {
    return absl::InvalidArgumentError("-z needs -U: root in a directory of its own is still root");
  }
  const passwd* user = getpwnam(privileges.user.c_str());
  if (user == nullptr) {
    return absl::InvalidArgumentError(
        absl::StrFormat("-U: there is no user '%s'", privileges.user));
  }
  if (geteuid() != 0 && (user->pw_uid != geteuid() || !privileges.directory.empty())) {
    return absl::InvalidArgumentError("-U and -z change what only root may change: run as root");
  }
  struct stat info = {};
  if (!privileges.directory.empty() &&
      (stat(privileges.directory.c_str(), &info) != 0 || !S_ISDIR(info.st_mode))) {
    return absl::InvalidArgumentError(
        absl::StrFormat("-z: '%s' is not a directory", privileges.directory));
  }
  return absl::OkStatus();
}

absl::Status DropPrivileges(const Privileges& privileges, const std::string& output_directory) {
  if (!privileges.any()) return absl::OkStatus();
  const passwd* user = getpwnam(privileges.user.c_str());
  if (user == nullptr) {
    return absl::InvalidArgumentError(absl::StrFormat("there is no user '%s'", privileges.user));
  }
  const uid_t uid = user->pw_uid;
  const gid_t gid = user->pw_gid;
  if (geteuid() == 0 && initgroups(user->pw_name, gid) != 0) {
    return Failed("take the groups of " + privileges.user);
  }
  if (!privileges.directory.empty()) {
    if (chroot(privileges.directory.c_str()) != 0 || chdir("/") != 0) {
      return Failed("change the root to '" + privileges.directory + "'");
    }
  }
  if (!output_directory.empty()) {
    const absl::Status status = MakeDirectories(output_directory, uid, gid);
    if (!status.ok()) return status;
  }
  if (setgid(gid) != 0) return Failed("take the group of " + privileges.user);
  if (setuid(uid) != 0) return Failed("become " + privileges.user);
  if (uid != 0 && (setuid(0) == 0 || setgid(0) == 0)) {
    return absl::PermissionDeniedError("root's rights could be taken back: they are not given up");
  }
  return absl::OkStatus();
}

}  // namespace flowstitch
