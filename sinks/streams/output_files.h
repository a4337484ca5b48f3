// Files below the directories that the user named, where others may write too: every step is taken
// from the descriptor of the one above, no link is followed, nothing is written through a name that
// the file has elsewhere, and no pipe is waited for. Each sets errno as its system call does:
//
//   ELOOP    a link is in a directory's place
//   ENOTDIR  something else is
//   EMLINK   the file has a second name (a hard link)
//   ENXIO    it is a pipe, socket or device
//
// Paths that lie in no named directory, or have a "..", are opened as they are: the user wrote them
// himself, for a template has none.
#ifndef FLOWSTITCH_SINKS_STREAMS_OUTPUT_FILES_H_
#define FLOWSTITCH_SINKS_STREAMS_OUTPUT_FILES_H_

#include <sys/types.h>

#include <string>

#include "absl/status/status.h"
#include "base/durability.h"

namespace flowstitch {

// Names a directory that is there. Not while files are opened.
absl::Status NameOutputDirectory(const std::string& directory);
// A directory that is not ours, in which there is an output all the same: its disk is asked too.
void NameOutputDisk(const std::string& directory);
// Forgets all that were named.
void ForgetOutputDirectories();
// An error that names the first one that has been moved, removed or replaced since.
absl::Status CheckOutputDirectories();

// How all outputs of this process are kept. Not while files are opened.
void SetDurability(Durability durability);
// Asks the disk for a file that is complete, where that is wanted.
absl::Status SyncComplete(int fd, const std::string& path);
// Asks the disks of all named directories for all that was written (kSegment and kCommit).
absl::Status SyncOutputs();

// As open(2), close-on-exec. A file that is there is opened only if it is a regular one with one
// name.
int OpenOutput(const std::string& path, int flags, mode_t mode = 0666);
// A new file, to be read and written; what had its name has it no more.
int CreateOutput(const std::string& path);
// Makes the directories of `path` that are missing (not its last part).
absl::Status MakeParentDirectories(const std::string& path);
int RenameOutput(const std::string& from, const std::string& to);
int RemoveOutput(const std::string& path);

// Whether a pipe or a device is there, or one of our own descriptors is meant ("-", /dev/stdout):
// that is written as it is.
bool IsPipeOrDevice(const std::string& path);
// To be written. A pipe is given a moment to find a reader.
int OpenPipeOrDevice(const std::string& path);
// A file, pipe or device that the user named himself. A link that is his, or root's, is followed.
int OpenNamedOutput(const std::string& path);

}  // namespace flowstitch

#endif  // FLOWSTITCH_SINKS_STREAMS_OUTPUT_FILES_H_
