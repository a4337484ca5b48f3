#include "base/memory/shared_memory.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <random>

#include "absl/strings/str_cat.h"

namespace flowstitch {
namespace {

// In front of the blocks: magic and id.
constexpr size_t kHeadBytes = 4096;
constexpr char kMagic[8] = {'f', 's', 'm', 'e', 'm', 'o', 'r', 'y'};
constexpr int kSeals = F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL;

absl::Status Failed(const char* what) {
  return absl::ResourceExhaustedError(
      absl::StrCat("cannot ", what, " shared memory: ", std::strerror(errno)));
}

}  // namespace

absl::StatusOr<SharedMemory::Descriptors> SharedMemory::Make(size_t blocks) {
  const size_t bytes = kHeadBytes + blocks * kBlockBytes;
  // Beyond it, a signal would end the process.
  rlimit limit = {};
  if (getrlimit(RLIMIT_FSIZE, &limit) == 0 && limit.rlim_cur < bytes) {
    return absl::ResourceExhaustedError(absl::StrCat("cannot make shared memory: files of ", bytes,
                                                     " bytes are forbidden (ulimit -f)"));
  }
  Descriptors made;
  made.write = memfd_create("flowstitch", MFD_CLOEXEC | MFD_ALLOW_SEALING);
  if (made.write < 0) return Failed("make");
  std::random_device device;
  const uint64_t id = (uint64_t{device()} << 32) | device();
  uint8_t head[sizeof(kMagic) + sizeof(id)];
  std::memcpy(head, kMagic, sizeof(kMagic));
  std::memcpy(head + sizeof(kMagic), &id, sizeof(id));
  const std::string path = absl::StrCat("/proc/self/fd/", made.write);
  const bool filled =
      ftruncate(made.write, static_cast<off_t>(bytes)) == 0 &&
      pwrite(made.write, head, sizeof(head), 0) == static_cast<ssize_t>(sizeof(head)) &&
      fcntl(made.write, F_ADD_SEALS, kSeals) == 0 && fchmod(made.write, 0400) == 0;
  if (filled) made.read = open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (made.read >= 0) return made;
  const absl::Status status = Failed("make");
  close(made.write);
  return status;
}

SharedMemory::SharedMemory(void* mapped, size_t mapped_bytes)
    : mapped_(mapped),
      mapped_bytes_(mapped_bytes),
      begin_(static_cast<uint8_t*>(mapped) + kHeadBytes),
      bytes_((mapped_bytes - kHeadBytes) / kBlockBytes * kBlockBytes) {
  std::memcpy(&id_, static_cast<uint8_t*>(mapped) + sizeof(kMagic), sizeof(id_));
}

SharedMemory::~SharedMemory() { munmap(mapped_, mapped_bytes_); }

absl::StatusOr<std::shared_ptr<SharedMemory>> SharedMemory::Open(int fd, bool writes) {
  struct stat info = {};
  const int seals = fcntl(fd, F_GET_SEALS);
  if (seals < 0 || (seals & kSeals) != kSeals || fstat(fd, &info) != 0 ||
      static_cast<size_t>(info.st_size) <= kHeadBytes) {
    return absl::InvalidArgumentError(
        absl::StrCat("descriptor ", fd, " is not of memory that flowstitch shares"));
  }
  const auto size = static_cast<size_t>(info.st_size);
  void* mapped =
      mmap(nullptr, size, writes ? PROT_READ | PROT_WRITE : PROT_READ, MAP_SHARED, fd, 0);
  if (mapped == MAP_FAILED) return Failed("map");
  close(fd);
  std::shared_ptr<SharedMemory> memory(new SharedMemory(mapped, size));
  if (std::memcmp(mapped, kMagic, sizeof(kMagic)) != 0) {
    return absl::InvalidArgumentError("the memory is not of a flowstitch process");
  }
  return memory;
}

absl::StatusOr<std::shared_ptr<const SharedMemory>> SharedMemory::OpenToRead(int fd) {
  return Open(fd, /*writes=*/false);
}

absl::StatusOr<std::shared_ptr<SharedMemory>> SharedMemory::OpenToWrite(int fd) {
  return Open(fd, /*writes=*/true);
}

std::optional<ByteView> SharedMemory::View(uint64_t offset, uint64_t length) const {
  if (offset > bytes_ || length > bytes_ - offset) return std::nullopt;
  return ByteView{begin_ + offset, static_cast<size_t>(length)};
}

bool SharedMemory::Has(ByteView bytes) const {
  const auto begin = reinterpret_cast<uintptr_t>(begin_);
  const auto at = reinterpret_cast<uintptr_t>(bytes.data());
  return at >= begin && at - begin <= bytes_ && bytes.size() <= bytes_ - (at - begin);
}

}  // namespace flowstitch
