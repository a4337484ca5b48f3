// Compressed captures through libarchive, which does not give out the block in which
// damage lies. Only filters that run in this process are switched on:
// libarchive would start a program for others.
#include <archive.h>
#include <archive_entry.h>

#include <algorithm>
#include <cerrno>
#include <memory>
#include <utility>
#include <vector>

#include "absl/strings/str_format.h"
#include "capture/files/byte_source.h"

namespace flowstitch {
namespace {

constexpr size_t kBlockBytes = 256 << 10;

class DecompressedBytes : public ByteSource {
 public:
  DecompressedBytes(std::string name, std::unique_ptr<ByteSource> raw, ByteView start)
      : name_(std::move(name)),
        raw_(std::move(raw)),
        block_(kBlockBytes),
        start_(start.begin(), start.end()),
        archive_(archive_read_new()) {
    archive_read_support_filter_bzip2(archive_);
    archive_read_support_filter_xz(archive_);
    archive_read_support_filter_lzma(archive_);
    archive_read_support_filter_zstd(archive_);
    archive_read_support_filter_lz4(archive_);
    archive_read_support_filter_compress(archive_);
    archive_read_support_format_zip_streamable(archive_);
    archive_read_support_format_raw(archive_);
    archive_read_support_format_empty(archive_);
    file_bytes_ = raw_->file_bytes();
  }
  ~DecompressedBytes() override { archive_read_free(archive_); }

  size_t Read(uint8_t* bytes, size_t size) override {
    while (status_.ok() && !at_end_ && rest_.empty()) {
      if (!in_entry_ && !NextEntry()) break;
      const void* data = nullptr;
      size_t length = 0;
      la_int64_t offset = 0;
      const int result = archive_read_data_block(archive_, &data, &length, &offset);
      file_offset_ = raw_->file_offset();
      if (result >= ARCHIVE_WARN && length > 0) {
        rest_ = {static_cast<const uint8_t*>(data), length};
      } else {
        if (result < ARCHIVE_WARN) Fail();
        in_entry_ = false;
      }
    }
    const size_t n = std::min(size, rest_.size());
    std::copy_n(rest_.begin(), n, bytes);
    rest_ = rest_.subspan(n);
    return n;
  }

  void set_on_idle(std::function<bool()> on_idle) override {
    raw_->set_on_idle(std::move(on_idle));
  }

 private:
  static la_ssize_t ReadRaw(archive* a, void* self_pointer, const void** bytes) {
    auto* self = static_cast<DecompressedBytes*>(self_pointer);
    size_t n = self->start_.size();
    if (n > 0) {
      std::copy(self->start_.begin(), self->start_.end(), self->block_.begin());
      self->start_.clear();
    } else {
      n = self->raw_->Read(self->block_.data(), self->block_.size());
    }
    *bytes = self->block_.data();
    if (n > 0 || self->raw_->status().ok()) return static_cast<la_ssize_t>(n);
    archive_set_error(a, EIO, "%s", std::string(self->raw_->status().message()).c_str());
    return -1;
  }

  // The next file of a zip archive; the one there is of everything else.
  bool NextEntry() {
    if (!opened_) {
      opened_ = true;
      if (archive_read_open(archive_, this, nullptr, ReadRaw, nullptr) != ARCHIVE_OK) {
        Fail();
        return false;
      }
    } else if (archive_format(archive_) == ARCHIVE_FORMAT_RAW) {
      at_end_ = true;
      return false;
    } else if (has_entry_) {
      // One capture file a zip: two of them behind each other would be read as one damaged file.
      archive_entry* entry = nullptr;
      int next = archive_read_next_header(archive_, &entry);
      while (next == ARCHIVE_OK && archive_entry_filetype(entry) == AE_IFDIR) {
        next = archive_read_next_header(archive_, &entry);
      }
      if (next == ARCHIVE_OK) {
        status_ = absl::InvalidArgumentError(absl::StrFormat(
            "'%s' holds more than one file: the first was read; unpack it and give each with -r",
            name_));
      }
      at_end_ = true;
      return false;
    }
    archive_entry* entry = nullptr;
    do {
      const int result = archive_read_next_header(archive_, &entry);
      if (result == ARCHIVE_EOF) {
        at_end_ = true;
        return false;
      }
      if (result < ARCHIVE_WARN) {
        Fail();
        return false;
      }
    } while (archive_format(archive_) != ARCHIVE_FORMAT_RAW &&
             archive_entry_filetype(entry) == AE_IFDIR);
    in_entry_ = has_entry_ = true;
    return true;
  }

  void Fail() {
    file_offset_ = raw_->file_offset();
    const char* why = archive_error_string(archive_);
    status_ = !raw_->status().ok()
                  ? raw_->status()
                  : absl::DataLossError(absl::StrFormat(
                        "'%s' cannot be decompressed beyond offset %d: %s; frames of the block "
                        "before it may be missing",
                        name_, file_offset_, why == nullptr ? "it is damaged" : why));
  }

  const std::string name_;
  std::unique_ptr<ByteSource> raw_;
  std::vector<uint8_t> block_;
  std::vector<uint8_t> start_;
  ByteView rest_;  // of libarchive's last block
  archive* archive_;
  bool opened_ = false;
  bool in_entry_ = false;
  bool has_entry_ = false;
  bool at_end_ = false;
};

}  // namespace

std::unique_ptr<ByteSource> Decompress(const std::string& name, std::unique_ptr<ByteSource> raw,
                                       ByteView start) {
  return std::make_unique<DecompressedBytes>(name, std::move(raw), start);
}

}  // namespace flowstitch
