#include "base/process/file_rights.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>
#include <cstring>
#include <set>

#include "absl/strings/str_format.h"
#include "base/owned_descriptor.h"
#include "base/sanitizers_build.h"

namespace flowstitch {
namespace {

// linux/landlock.h of the newest kernel: the headers that are installed may lack some.
constexpr long kCreateRuleset = 444;
constexpr long kAddRule = 445;
constexpr long kRestrictSelf = 446;
constexpr uint32_t kAskVersion = 1;
constexpr int kRulePathBeneath = 1;
struct RulesetAttributes {
  uint64_t handled_files = 0;  // the kernel takes what follows as zeros
};
struct [[gnu::packed]] PathBeneath {
  uint64_t allowed = 0;
  int32_t parent_fd = -1;
};
enum Right : uint64_t {
  kExecute = 1 << 0,
  kWriteFile = 1 << 1,
  kReadFile = 1 << 2,
  kReadDirectory = 1 << 3,
  kRemoveDirectory = 1 << 4,
  kRemoveFile = 1 << 5,
  kMakeCharacterDevice = 1 << 6,
  kMakeDirectory = 1 << 7,
  kMakeFile = 1 << 8,
  kMakeSocket = 1 << 9,
  kMakeFifo = 1 << 10,
  kMakeBlockDevice = 1 << 11,
  kMakeLink = 1 << 12,
  kRefer = 1 << 13,          // ABI 2: to another directory
  kTruncate = 1 << 14,       // ABI 3
  kDeviceControl = 1 << 15,  // ABI 5
};

constexpr uint64_t kReads = kReadFile | kReadDirectory;
constexpr uint64_t kWrites = kReads | kWriteFile | kRemoveFile | kMakeDirectory | kMakeFile |
                             kRefer | kTruncate | kDeviceControl;
// What there is of a file that is no directory.
constexpr uint64_t kOfFiles = kExecute | kWriteFile | kReadFile | kTruncate | kDeviceControl;

// All that a kernel of this ABI can forbid.
uint64_t RightsOf(long abi) {
  uint64_t rights = kMakeLink * 2 - 1;
  if (abi >= 2) rights |= kRefer;
  if (abi >= 3) rights |= kTruncate;
  if (abi >= 5) rights |= kDeviceControl;
  return rights;
}

absl::Status Failed(const std::string& what) {
  return absl::FailedPreconditionError(
      absl::StrFormat("cannot confine files: %s: %s", what, std::strerror(errno)));
}

absl::Status Allow(int ruleset, const std::vector<std::string>& paths, uint64_t rights) {
  for (const std::string& path : std::set<std::string>(paths.begin(), paths.end())) {
    if (path.empty() || path == "-") continue;
    const OwnedDescriptor fd(open(path.c_str(), O_PATH | O_CLOEXEC));
    struct stat info = {};
    if (fd.get() < 0 || fstat(fd.get(), &info) != 0) continue;  // nothing to reach
    const PathBeneath rule = {rights & (S_ISDIR(info.st_mode) ? ~uint64_t{0} : kOfFiles), fd.get()};
    // A pipe or a socket is in no directory: what is open may be used.
    if (syscall(kAddRule, ruleset, kRulePathBeneath, &rule, 0) != 0 && errno != EBADFD) {
      return Failed(path);
    }
  }
  return absl::OkStatus();
}

}  // namespace

void FileRights::Add(const FileRights& other) {
  reads.insert(reads.end(), other.reads.begin(), other.reads.end());
  writes.insert(writes.end(), other.writes.begin(), other.writes.end());
  sockets.insert(sockets.end(), other.sockets.begin(), other.sockets.end());
}

std::string DirectoryOf(const std::string& path) {
  const size_t slash = path.rfind('/');
  if (slash == std::string::npos) return ".";
  return slash == 0 ? "/" : path.substr(0, slash);
}

absl::StatusOr<bool> ConfineFiles(const FileRights& rights) {
  const long abi = syscall(kCreateRuleset, nullptr, 0, kAskVersion);
  if (abi < 1 || kSanitizersBuild) return false;
  const RulesetAttributes attributes = {RightsOf(abi)};
  const OwnedDescriptor ruleset(
      static_cast<int>(syscall(kCreateRuleset, &attributes, sizeof(attributes), 0)));
  if (ruleset.get() < 0) return Failed("a ruleset");
  const uint64_t known = attributes.handled_files;
  absl::Status status = Allow(ruleset.get(), rights.reads, kReads & known);
  status.Update(Allow(ruleset.get(), rights.writes, kWrites & known));
  status.Update(Allow(ruleset.get(), rights.sockets, kMakeSocket & known));
  if (!status.ok()) return status;
  if (syscall(kRestrictSelf, ruleset.get(), 0) != 0) return Failed("entering");
  return true;
}

}  // namespace flowstitch
