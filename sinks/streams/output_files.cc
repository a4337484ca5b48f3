#include "sinks/streams/output_files.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <memory>
#include <utility>
#include <vector>

#include "absl/strings/numbers.h"
#include "absl/strings/str_format.h"
#include "absl/strings/strip.h"
#include "base/owned_descriptor.h"
#include "sinks/streams/file_error.h"

namespace flowstitch {
namespace {

constexpr mode_t kFileMode = 0666;
constexpr mode_t kDirectoryMode = 0777;
// How long a pipe may be without a reader, and how often it is looked at.
constexpr int kReaderWaitMs = 2000;
constexpr int kReaderLookMs = 10;

struct Root {
  uint64_t number = 0;  // no other root ever has it
  std::string path;     // empty: of its disk only
  OwnedDescriptor fd;
  dev_t device = 0;
  ino_t inode = 0;
};

// Few, and the same from before the first file is opened to the end.
std::vector<std::unique_ptr<Root>>& Roots() {
  static std::vector<std::unique_ptr<Root>> roots;
  return roots;
}
Durability durability = Durability::kOff;

// Where the part of a path below `directory` begins; 0 where it does not lie there, and there is
// none. Below the working directory lies every relative path.
size_t BelowAt(const std::string& path, const std::string& directory) {
  const size_t at = directory.size() + 1;
  const bool below =
      path.size() > at && path[at - 1] == '/' && path.compare(0, directory.size(), directory) == 0;
  return below ? at : 0;
}

bool LeadsUp(const std::string& path) {
  return path.compare(0, 3, "../") == 0 || path.find("/../") != std::string::npos;
}

// A path as a root and the part below it; no root: it lies in no named directory, or leads out of
// one, as only a path that the user wrote himself does.
struct RootedPath {
  const Root* root = nullptr;
  size_t below = 0;
};

RootedPath RootOf(const std::string& path) {
  RootedPath found;
  if (LeadsUp(path)) return found;
  for (const auto& root : Roots()) {
    if (root->path.empty()) continue;
    const bool working = root->path == "." && !path.empty() && path[0] != '/';
    const size_t below = BelowAt(path, root->path);
    if (below == 0 && !working) continue;
    if (found.root == nullptr || below > found.below) found = {root.get(), below};
  }
  return found;
}

// The directory that a thread opened a file in last: most lie beside each other.
struct LastDirectory {
  uint64_t root = 0;  // its number; 0: none yet
  std::string path;   // below the root
  OwnedDescriptor fd{-1};
};
thread_local LastDirectory last_directory;

int OpenStep(int above, const std::string& name) {
  return openat(above, name.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
}

// The directory `path` below `root`; -1 where it cannot be reached. With `make`, what is missing of
// it is made.
int OpenDirectory(const Root& root, const std::string& path, bool make) {
  if (path.empty()) return root.fd.get();
  if (last_directory.root == root.number && last_directory.path == path)
    return last_directory.fd.get();
  OwnedDescriptor at(-1);
  for (size_t begin = 0; begin <= path.size();) {
    const size_t end = std::min(path.find('/', begin), path.size());
    const std::string name = path.substr(begin, end - begin);
    begin = end + 1;
    if (name.empty() || name == ".") continue;
    const int above = at.get() < 0 ? root.fd.get() : at.get();
    if (make && mkdirat(above, name.c_str(), kDirectoryMode) != 0 && errno != EEXIST) return -1;
    OwnedDescriptor next(OpenStep(above, name));
    if (next.get() < 0) return -1;
    at = std::move(next);
  }
  if (at.get() < 0) return root.fd.get();
  last_directory.root = root.number;
  last_directory.path = path;
  last_directory.fd = std::move(at);
  return last_directory.fd.get();
}

// A path as a directory's descriptor and a name in it, which lies in the path.
struct Place {
  int directory = AT_FDCWD;
  const char* name = nullptr;
};

// False with errno where its directory cannot be reached.
bool Find(const std::string& path, Place* place) {
  const auto [root, below] = RootOf(path);
  if (root == nullptr) {
    *place = {AT_FDCWD, path.c_str()};
    return true;
  }
  const size_t slash = path.find_last_of('/');
  const bool direct = slash == std::string::npos || slash < below;  // as most are
  const size_t name = slash == std::string::npos ? 0 : slash + 1;
  *place = {direct ? root->fd.get()
                   : OpenDirectory(*root, path.substr(below, slash - below), /*make=*/false),
            path.c_str() + name};
  return place->directory >= 0;
}

int Refuse(int fd, int error) {
  close(fd);
  errno = error;
  return -1;
}

// A process that is not dumpable may not open its own descriptors by these names.
int DescriptorNamed(absl::string_view path) {
  if (path == "-" || path == "/dev/stdout") return STDOUT_FILENO;
  if (path == "/dev/stderr") return STDERR_FILENO;
  int fd = -1;
  const bool named =
      absl::ConsumePrefix(&path, "/dev/fd/") || absl::ConsumePrefix(&path, "/proc/self/fd/");
  return named && absl::SimpleAtoi(path, &fd) ? fd : -1;
}

// Null where it cannot be opened.
std::unique_ptr<Root> OpenRoot(const std::string& directory) {
  static uint64_t numbers = 0;
  const int fd = open(directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  struct stat info = {};
  if (fd < 0) return nullptr;
  auto root = std::make_unique<Root>(Root{++numbers, "", OwnedDescriptor(fd)});
  if (fstat(fd, &info) != 0) return nullptr;
  root->device = info.st_dev;
  root->inode = info.st_ino;
  return root;
}

bool IsInPlace(const Root& root) {
  struct stat info = {};
  return stat(root.path.c_str(), &info) == 0 && info.st_dev == root.device &&
         info.st_ino == root.inode;
}

}  // namespace

absl::Status NameOutputDirectory(const std::string& directory) {
  std::unique_ptr<Root> root = OpenRoot(directory);
  if (root == nullptr) return FileError("use the output directory", directory);
  root->path = directory;
  const auto known = std::find_if(Roots().begin(), Roots().end(),
                                  [&](const auto& each) { return each->path == directory; });
  if (known != Roots().end()) {
    *known = std::move(root);
  } else {
    Roots().push_back(std::move(root));
  }
  return absl::OkStatus();
}

void NameOutputDisk(const std::string& directory) {
  if (std::unique_ptr<Root> root = OpenRoot(directory)) Roots().push_back(std::move(root));
}

void ForgetOutputDirectories() { Roots().clear(); }

absl::Status CheckOutputDirectories() {
  for (const auto& root : Roots()) {
    if (root->path.empty() || IsInPlace(*root)) continue;
    return absl::FailedPreconditionError(absl::StrFormat(
        "the output directory '%s' was moved, removed or replaced while it was written to",
        root->path));
  }
  return absl::OkStatus();
}

void SetDurability(Durability wanted) { durability = wanted; }

absl::Status SyncComplete(int fd, const std::string& path) {
  if (durability == Durability::kOff || fdatasync(fd) == 0) return absl::OkStatus();
  // A pipe or a terminal keeps nothing.
  return errno == EINVAL || errno == EROFS ? absl::OkStatus() : FileError("write", path);
}

absl::Status SyncOutputs() {
  if (durability == Durability::kOff) return absl::OkStatus();
  std::vector<dev_t> done;
  for (const auto& root : Roots()) {
    if (std::find(done.begin(), done.end(), root->device) != done.end()) continue;
    done.push_back(root->device);
    if (syncfs(root->fd.get()) != 0) return FileError("write to the disk of", root->path);
  }
  return absl::OkStatus();
}

int OpenOutput(const std::string& path, int flags, mode_t mode) {
  Place place;
  if (!Find(path, &place)) return -1;
  const int fd = openat(place.directory, place.name,
                        flags | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY, mode);
  if (fd < 0 || (flags & O_EXCL) != 0) return fd;
  struct stat info = {};
  if (fstat(fd, &info) != 0) return Refuse(fd, errno);
  if (!S_ISREG(info.st_mode)) return Refuse(fd, ENXIO);
  if (info.st_nlink > 1 && (flags & O_ACCMODE) != O_RDONLY) return Refuse(fd, EMLINK);
  return fd;
}

int CreateOutput(const std::string& path) {
  const int flags = O_RDWR | O_CREAT | O_EXCL;
  const int fd = OpenOutput(path, flags);
  if (fd >= 0 || errno != EEXIST || RemoveOutput(path) != 0) return fd;
  return OpenOutput(path, flags);
}

absl::Status MakeParentDirectories(const std::string& path) {
  if (const auto [root, below] = RootOf(path); root != nullptr) {
    const size_t slash = path.rfind('/');
    if (slash == std::string::npos || slash < below) return absl::OkStatus();
    if (OpenDirectory(*root, path.substr(below, slash - below), /*make=*/true) >= 0) {
      return absl::OkStatus();
    }
    return FileError("make the directory", path.substr(0, slash));
  }
  for (size_t slash = path.find('/', 1); slash != std::string::npos;
       slash = path.find('/', slash + 1)) {
    const std::string directory = path.substr(0, slash);
    if (mkdir(directory.c_str(), kDirectoryMode) != 0 && errno != EEXIST) {
      return FileError("make the directory", directory);
    }
  }
  return absl::OkStatus();
}

int RenameOutput(const std::string& from, const std::string& to) {
  Place source;
  Place target;
  if (!Find(from, &source)) return -1;
  // The thread's last directory may be another one now.
  const OwnedDescriptor held(source.directory >= 0 ? fcntl(source.directory, F_DUPFD_CLOEXEC, 0)
                                                   : -1);
  if (!Find(to, &target)) return -1;
  return renameat(held.get() >= 0 ? held.get() : source.directory, source.name, target.directory,
                  target.name);
}

int RemoveOutput(const std::string& path) {
  Place place;
  if (!Find(path, &place)) return -1;
  return unlinkat(place.directory, place.name, 0);
}

int OpenPipeOrDevice(const std::string& path) {
  if (const int fd = DescriptorNamed(path); fd >= 0) {
    return fcntl(fd, F_DUPFD_CLOEXEC, STDERR_FILENO + 1);
  }
  for (int waited_ms = 0;; waited_ms += kReaderLookMs) {
    const int fd = open(path.c_str(), O_WRONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
    if (fd >= 0 || (errno != ENXIO && errno != EINTR) || waited_ms >= kReaderWaitMs) return fd;
    poll(nullptr, 0, kReaderLookMs);
  }
}

bool IsPipeOrDevice(const std::string& path) {
  struct stat info = {};
  return DescriptorNamed(path) >= 0 ||
         (stat(path.c_str(), &info) == 0 && (S_ISCHR(info.st_mode) || S_ISFIFO(info.st_mode)));
}

int OpenNamedOutput(const std::string& path) {
  if (IsPipeOrDevice(path)) return OpenPipeOrDevice(path);
  int fd = OpenOutput(path, O_WRONLY | O_CREAT);
  if (fd < 0 && errno == EMLINK) return CreateOutput(path);
  struct stat info = {};
  const bool own_link = fd < 0 && errno == ELOOP && RootOf(path).root == nullptr &&
                        lstat(path.c_str(), &info) == 0 &&
                        (info.st_uid == 0 || info.st_uid == geteuid());
  if (own_link) fd = open(path.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC | O_NOCTTY, kFileMode);
  if (fd < 0 || ftruncate(fd, 0) == 0) return fd;
  return Refuse(fd, errno);
}

}  // namespace flowstitch
