#include "base/privileges.h"

#include <grp.h>
#include <pwd.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"

namespace flowstitch {
namespace {

absl::Status Failed(const std::string& what) {
  return absl::PermissionDeniedError(absl::StrFormat("cannot %s: %s", what, std::strerror(errno)));
}

}  // namespace

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

absl::Status DropPrivileges(const Privileges& privileges) {
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
  if (setgid(gid) != 0) return Failed("take the group of " + privileges.user);
  if (setuid(uid) != 0) return Failed("become " + privileges.user);
  if (uid != 0 && (setuid(0) == 0 || setgid(0) == 0)) {
    return absl::PermissionDeniedError("root's rights could be taken back: they are not given up");
  }
  return absl::OkStatus();
}

absl::Status PrepareDirectoryFor(const Privileges& privileges, const std::string& directory) {
  const std::string path =
      privileges.directory.empty() ? directory : absl::StrCat(privileges.directory, "/", directory);
  const passwd* user = privileges.user.empty() ? nullptr : getpwnam(privileges.user.c_str());
  // Every part that is not there yet belongs to the user.
  for (size_t slash = path.find('/', 1);; slash = path.find('/', slash + 1)) {
    const std::string part = path.substr(0, slash);
    if (mkdir(part.c_str(), 0777) == 0) {
      if (user != nullptr && chown(part.c_str(), user->pw_uid, user->pw_gid) != 0) {
        return Failed("give the directory '" + part + "' to " + privileges.user);
      }
    } else if (errno != EEXIST) {
      return Failed("make the directory '" + part + "'");
    }
    if (slash == std::string::npos) return absl::OkStatus();
  }
}

}  // namespace flowstitch
