// What is said of a file that could not be opened, read or written.
#ifndef FLOWSTITCH_SINKS_STREAMS_FILE_ERROR_H_
#define FLOWSTITCH_SINKS_STREAMS_FILE_ERROR_H_

#include <string>

#include "absl/status/status.h"

namespace flowstitch {

// "cannot ACTION 'PATH': WHY", with what to do where that is known; from errno.
// An aborted status where a pipe's reader has gone: no error to speak of.
absl::Status FileError(const std::string& action, const std::string& path);

}  // namespace flowstitch

#endif  // FLOWSTITCH_SINKS_STREAMS_FILE_ERROR_H_
