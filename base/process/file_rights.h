// Which files a process may reach, by directory (Landlock, landlock(7)).
#ifndef FLOWSTITCH_BASE_PROCESS_FILE_RIGHTS_H_
#define FLOWSTITCH_BASE_PROCESS_FILE_RIGHTS_H_

#include <string>
#include <vector>

#include "absl/status/statusor.h"

namespace flowstitch {

// Paths of files, or of directories with all that is in them. What is not there is left out, and so
// are empty paths and "-".
struct FileRights {
  std::vector<std::string> reads;
  std::vector<std::string> writes;   // read, made, written, renamed and removed
  std::vector<std::string> sockets;  // directories in which sockets are made

  void Add(const FileRights& other);
};

// The directory that a file lies in, or is to lie in.
std::string DirectoryOf(const std::string& path);

// Nothing but these, for the calling thread and those that it makes from now on: to be called
// before any is made, and with no_new_privs. False where the kernel has no Landlock, or the build
// is a sanitizer's, which reads files of its own.
absl::StatusOr<bool> ConfineFiles(const FileRights& rights);

}  // namespace flowstitch

#endif  // FLOWSTITCH_BASE_PROCESS_FILE_RIGHTS_H_
