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

// For good, in all threads. On the way, inside of `directory`, the output directory is made, if one
// is named and it is not there, and what is made is given to the user. An error means that nothing
// may go on.
absl::Status DropPrivileges(const Privileges& privileges, const std::string& output_directory);

}  // namespace flowstitch

#endif  // FLOWSTITCH_BASE_PRIVILEGES_H_
