// Giving up what a process needs no longer once its inputs are open.
#ifndef FLOWSTITCH_BASE_PRIVILEGES_H_
#define FLOWSTITCH_BASE_PRIVILEGES_H_

#include <string>

#include "absl/status/status.h"

namespace flowstitch {

struct Privileges {
  std::string user;       // become this user; empty: stay
  std::string directory;  // see nothing outside of it (chroot); empty: see everything
  bool any() const { return !user.empty() || !directory.empty(); }
};

// An error says what is wrong with the choice: an unknown user, a directory without a user, no
// right to change either.
absl::Status CheckPrivileges(const Privileges& privileges);

// For good, in all threads. An error means that nothing may go on.
absl::Status DropPrivileges(const Privileges& privileges);

// Makes an output directory as the user will see it after DropPrivileges, and gives it to the user
// if it was not there.
absl::Status PrepareDirectoryFor(const Privileges& privileges, const std::string& directory);

}  // namespace flowstitch

#endif  // FLOWSTITCH_BASE_PRIVILEGES_H_
