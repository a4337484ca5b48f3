// gzip (RFC 1952) through zlib, and not through libarchive like the other formats: of a file that
// was cut, zlib gives every byte that can be known.
#include <zlib.h>

#include <algorithm>
#include <vector>

#include "absl/strings/str_format.h"
#include "capture/files/byte_source.h"

namespace flowstitch {
namespace {

constexpr size_t kBlockBytes = 256 << 10;

class GunzippedBytes : public ByteSource {
 public:
  GunzippedBytes(std::string name, std::unique_ptr<ByteSource> raw, ByteView start)
      : name_(std::move(name)), raw_(std::move(raw)), block_(kBlockBytes) {
    std::copy(start.begin(), start.end(), block_.begin());
    zlib_.next_in = block_.data();
    zlib_.avail_in = static_cast<uInt>(start.size());
    file_bytes_ = raw_->file_bytes();
    // 16: a gzip header, and nothing else, is expected.
    if (inflateInit2(&zlib_, 16 + MAX_WBITS) != Z_OK) {
      status_ = absl::ResourceExhaustedError("no memory to decompress");
    }
  }
  ~GunzippedBytes() override { inflateEnd(&zlib_); }

  size_t Read(uint8_t* bytes, size_t size) override {
    zlib_.next_out = bytes;
    zlib_.avail_out = static_cast<uInt>(size);
    while (zlib_.avail_out == size && status_.ok() && !at_end_) {
      if (zlib_.avail_in == 0 && !Refill()) {
        Cut("it is cut off");
        break;
      }
      const int result = inflate(&zlib_, Z_NO_FLUSH);
      if (result == Z_STREAM_END) {
        FinishMember();
      } else if (result != Z_OK && result != Z_BUF_ERROR) {
        Cut(zlib_.msg == nullptr ? "it is damaged" : zlib_.msg);
      }
    }
    return size - zlib_.avail_out;
  }

  void set_on_idle(std::function<bool()> on_idle) override {
    raw_->set_on_idle(std::move(on_idle));
  }

 private:
  bool Refill() {
    const size_t n = raw_->Read(block_.data(), block_.size());
    file_offset_ = raw_->file_offset();
    zlib_.next_in = block_.data();
    zlib_.avail_in = static_cast<uInt>(n);
    return n > 0;
  }

  // Another member may follow; what is none is left alone, as gunzip does.
  void FinishMember() {
    if (zlib_.avail_in == 0) Refill();
    at_end_ = zlib_.avail_in == 0 || *zlib_.next_in != 0x1f;
    if (!raw_->status().ok()) status_ = raw_->status();
    if (!at_end_) inflateReset(&zlib_);
  }

  void Cut(const char* why) {
    status_ = !raw_->status().ok()
                  ? raw_->status()
                  : absl::DataLossError(absl::StrFormat(
                        "'%s' cannot be decompressed beyond offset %d: %s; all frames before it "
                        "are used",
                        name_, file_offset_ - zlib_.avail_in, why));
  }

  const std::string name_;
  std::unique_ptr<ByteSource> raw_;
  std::vector<uint8_t> block_;
  z_stream zlib_ = {};
  bool at_end_ = false;
};

}  // namespace

std::unique_ptr<ByteSource> Gunzip(const std::string& name, std::unique_ptr<ByteSource> raw,
                                   ByteView start) {
  return std::make_unique<GunzippedBytes>(name, std::move(raw), start);
}

}  // namespace flowstitch
