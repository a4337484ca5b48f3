#include "capture/files/byte_source.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <vector>

#include "absl/strings/str_format.h"

namespace flowstitch {
namespace {

constexpr int kIdleMs = 20;

class FileBytes : public ByteSource {
 public:
  static absl::StatusOr<std::unique_ptr<FileBytes>> Open(const std::string& path) {
    auto file = std::make_unique<FileBytes>();
    file->path_ = path;
    file->fd_ = path == "-" ? fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, 3)
                            : open(path.c_str(), O_RDONLY | O_CLOEXEC);
    if (file->fd_ < 0) {
      return absl::NotFoundError(
          absl::StrFormat("cannot read capture file '%s': %s", path, std::strerror(errno)));
    }
    struct stat info = {};
    if (fstat(file->fd_, &info) == 0) {
      if (S_ISDIR(info.st_mode)) {
        return absl::InvalidArgumentError(
            absl::StrFormat("cannot read capture file '%s': it is a directory", path));
      }
      if (S_ISREG(info.st_mode)) file->file_bytes_ = static_cast<uint64_t>(info.st_size);
    }
    return file;
  }
  ~FileBytes() override {
    if (fd_ >= 0) close(fd_);
  }

  size_t Read(uint8_t* bytes, size_t size) override {
    while (status_.ok()) {
      if (file_bytes_ == 0 && !WaitForPipe()) return 0;
      const ssize_t n = read(fd_, bytes, size);
      if (n < 0 && errno == EINTR) continue;
      if (n >= 0) {
        file_offset_ += static_cast<uint64_t>(n);
        return static_cast<size_t>(n);
      }
      status_ = absl::DataLossError(absl::StrFormat("reading '%s' failed at offset %d: %s", path_,
                                                    file_offset_, std::strerror(errno)));
    }
    return 0;
  }

  void set_on_idle(std::function<bool()> on_idle) override { on_idle_ = std::move(on_idle); }

 private:
  bool WaitForPipe() {
    while (on_idle_) {
      pollfd item = {fd_, POLLIN, 0};
      if (poll(&item, 1, kIdleMs) > 0) return true;
      if (!on_idle_()) return false;
    }
    return true;
  }

  std::string path_;
  int fd_ = -1;
  std::function<bool()> on_idle_;
};

class MemoryBytes : public ByteSource {
 public:
  explicit MemoryBytes(ByteView bytes) : bytes_(bytes.begin(), bytes.end()) {
    file_bytes_ = bytes.size();
  }
  size_t Read(uint8_t* bytes, size_t size) override {
    const size_t n = std::min<size_t>(size, bytes_.size() - file_offset_);
    std::copy_n(bytes_.data() + file_offset_, n, bytes);
    file_offset_ += n;
    return n;
  }
  void set_on_idle(std::function<bool()> /*on_idle*/) override {}

 private:
  const std::vector<uint8_t> bytes_;
};

// A source whose first bytes were read to look at them.
class PeekedBytes : public ByteSource {
 public:
  PeekedBytes(std::unique_ptr<ByteSource> rest, ByteView start)
      : rest_(std::move(rest)), start_(start.begin(), start.end()) {
    Update();
  }
  size_t Read(uint8_t* bytes, size_t size) override {
    size_t n = std::min(size, start_.size());
    if (n > 0) {
      std::copy_n(start_.data(), n, bytes);
      start_.erase(start_.begin(), start_.begin() + static_cast<long>(n));
    } else {
      n = rest_->Read(bytes, size);
    }
    Update();
    return n;
  }
  void set_on_idle(std::function<bool()> on_idle) override {
    rest_->set_on_idle(std::move(on_idle));
  }

 private:
  void Update() {
    status_ = rest_->status();
    file_offset_ = rest_->file_offset();
    file_bytes_ = rest_->file_bytes();
  }
  std::unique_ptr<ByteSource> rest_;
  std::vector<uint8_t> start_;
};

// A pipe's first bytes are waited for when they are asked for, not at opening: the idle call is not
// set before. So what a pipe brings is recognised at the first read.
class RecognisedBytes : public ByteSource {
 public:
  RecognisedBytes(std::string name, std::unique_ptr<ByteSource> raw)
      : name_(std::move(name)), source_(std::move(raw)) {
    file_bytes_ = source_->file_bytes();
  }
  size_t Read(uint8_t* bytes, size_t size) override {
    if (!recognised_) Recognise();
    const size_t n = source_->Read(bytes, size);
    status_ = source_->status();
    file_offset_ = source_->file_offset();
    return n;
  }
  void set_on_idle(std::function<bool()> on_idle) override {
    source_->set_on_idle(std::move(on_idle));
  }

 private:
  void Recognise() {
    recognised_ = true;
    uint8_t start[kCompressionMagicBytes];
    size_t have = Fill(start, sizeof(start));
    // Frames that zstd and lz4 skip (RFC 8878, 3.1.2) may stand in front.
    for (int frames = 0; frames < kMaxSkipped && IsSkippable({start, have}); ++frames) {
      if (!Skip(LoadLe32(start + 4))) break;
      have = Fill(start, sizeof(start));
    }
    const ByteView view{start, have};
    if (have >= 2 && start[0] == 0x1f && start[1] == 0x8b) {
      source_ = Gunzip(name_, std::move(source_), view);
    } else if (LooksCompressed(view)) {
      source_ = Decompress(name_, std::move(source_), view);
    } else {
      source_ = std::make_unique<PeekedBytes>(std::move(source_), view);
    }
  }

  static bool IsSkippable(ByteView start) {
    return start.size() == kCompressionMagicBytes &&
           (LoadLe32(start.data()) & 0xfffffff0) == 0x184d2a50;
  }
  size_t Fill(uint8_t* bytes, size_t size) {
    size_t have = 0;
    while (have < size) {
      const size_t n = source_->Read(bytes + have, size - have);
      if (n == 0) break;
      have += n;
    }
    return have;
  }
  bool Skip(uint64_t size) {
    std::vector<uint8_t> block(std::min<uint64_t>(size, 64 << 10));
    while (size > 0) {
      const size_t n = source_->Read(block.data(), std::min<uint64_t>(size, block.size()));
      if (n == 0) return false;
      size -= n;
    }
    return true;
  }

  static constexpr int kMaxSkipped = 1000;
  const std::string name_;
  std::unique_ptr<ByteSource> source_;
  bool recognised_ = false;
};

}  // namespace

bool LooksCompressed(ByteView start) {
  constexpr std::string_view kMagics[] = {
      {"\x1f\x8b", 2},  // gzip (RFC 1952)
      {"\x1f\x9d", 2},  // compress
      {"BZh", 3},       // bzip2
      {"\xfd"
       "7zXZ",
       5},                      // xz
      {"\x5d\0\0", 3},          // lzma, at its usual settings
      {"\x28\xb5\x2f\xfd", 4},  // zstd (RFC 8878)
      {"\x04\x22\x4d\x18", 4},  // lz4
      {"PK\x03\x04", 4},        // zip
  };
  const std::string_view text = AsText(start);
  return std::any_of(std::begin(kMagics), std::end(kMagics), [text](std::string_view magic) {
    return text.substr(0, magic.size()) == magic;
  });
}

absl::StatusOr<std::unique_ptr<ByteSource>> OpenByteSource(const std::string& path) {
  auto file = FileBytes::Open(path);
  if (!file.ok()) return file.status();
  return std::make_unique<RecognisedBytes>(path, *std::move(file));
}

std::unique_ptr<ByteSource> ByteSourceFromMemory(ByteView bytes) {
  return std::make_unique<RecognisedBytes>("memory", std::make_unique<MemoryBytes>(bytes));
}

}  // namespace flowstitch
