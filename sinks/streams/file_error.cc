#include "sinks/streams/file_error.h"

#include <cerrno>
#include <cstring>

#include "absl/strings/str_format.h"

namespace flowstitch {

absl::Status FileError(const std::string& action, const std::string& path) {
  const int error = errno;
  // Whoever reads standard output has seen enough.
  if (error == EPIPE) return absl::AbortedError(absl::StrFormat("'%s' was closed", path));
  std::string why = std::strerror(error);
  if (error == ENOSPC) why += "; free some space, what was not written is not reported as whole";
  if (error == ENOTDIR) why += "; a link, or something else, is in a directory's place";
  if (error == EFBIG) why += " for what the process may write (ulimit -f)";
  if (error == ELOOP) why += "; a link is in its place, remove it";
  if (error == EMLINK) why = "it has a second name (a hard link), remove it";
  if (error == ENXIO) why = "a pipe that nobody reads, or a device, is in its place";
  const bool denied = error == EACCES || error == EPERM;
  if (denied && action != "read") why += "; choose another directory with -o";
  const std::string text = absl::StrFormat("cannot %s '%s': %s", action, path, why);
  if (error == ENOSPC || error == EMFILE || error == ENFILE) {
    return absl::ResourceExhaustedError(text);
  }
  return absl::UnavailableError(text);
}

}  // namespace flowstitch
