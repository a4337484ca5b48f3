// Giving up what a process needs no longer once its inputs are open.
#ifndef FLOWSTITCH_BASE_PROCESS_PRIVILEGES_H_
#define FLOWSTITCH_BASE_PROCESS_PRIVILEGES_H_

#include <string>

#include "absl/status/status.h"
#include "base/process/file_rights.h"

namespace flowstitch {

struct Privileges {
  std::string user;       // become this user; empty: stay
  std::string directory;  // see nothing outside of it (chroot); empty: see everything
  bool any() const { return !user.empty() || !directory.empty(); }
};

// The same, and where root was asked for through sudo and no user is named: the user who asked.
Privileges OfInvokingUser(Privileges privileges);

// An error says what is wrong with the choice: an unknown user, a directory without a user, no
// right to change either.
absl::Status CheckPrivileges(const Privileges& privileges);

// For good, in all threads. On the way, inside of `directory`, the output directory is made, if one
// is named and it is not there, and what is made is given to the user. An error means that nothing
// may go on.
absl::Status DropPrivileges(const Privileges& privileges, const std::string& output_directory);

// Root stays root, but without root's capabilities, for good: to be called before any thread is
// made. Where root owns `files` or may use them as anybody may, none is left; otherwise the ones to
// read, or to write, what others own. Capabilities that somebody else has (setcap, ambient ones)
// go too.
absl::Status GiveUpCapabilities(const FileRights& files);

// Whether a file can be read by our user alone, without its capabilities.
bool ReadsWithoutCapabilities(const std::string& path);

}  // namespace flowstitch

#endif  // FLOWSTITCH_BASE_PROCESS_PRIVILEGES_H_
