#include <lzma.h>

#include <algorithm>

#include "sinks/content/http/content_decoder.h"

namespace flowstitch {
namespace {

// As zstd's window in HTTP (RFC 9659): nobody has to have more.
constexpr uint64_t kMemoryBytes = uint64_t{16} << 20;

class LzmaDecoder : public ContentDecoder {
 public:
  LzmaDecoder(std::string_view declared, DecodeBudget* budget)
      : declared_(declared), budget_(budget) {}
  ~LzmaDecoder() override {
    budget_->ChangeMemory(-static_cast<int64_t>(memory_));
    lzma_end(&stream_);
  }

  absl::Status Feed(ByteView in, const Out& out) override {
    if (!ready_) {
      // Either form, whichever was declared.
      ready_ = lzma_auto_decoder(&stream_, kMemoryBytes, 0) == LZMA_OK;
      if (!ready_) return absl::ResourceExhaustedError("there is no memory for its decoder");
    }
    stream_.next_in = in.data();
    stream_.avail_in = in.size();
    uint8_t buffer[kDecodedPieceBytes];
    while (!finished_) {
      stream_.next_out = buffer;
      stream_.avail_out = kDecodedPieceBytes;
      const lzma_ret code = lzma_code(&stream_, LZMA_RUN);
      NoteMemory();
      const size_t n = kDecodedPieceBytes - stream_.avail_out;
      if (n > 0) {
        decoded_ = true;
        if (const absl::Status status = budget_->Take(n); !status.ok()) return status;
        if (const absl::Status status = out({buffer, n}); !status.ok()) return status;
      }
      if (code == LZMA_MEMLIMIT_ERROR) {
        return absl::ResourceExhaustedError("its decoder wants too much memory");
      }
      if (code == LZMA_STREAM_END) {
        finished_ = true;
      } else if (code == LZMA_BUF_ERROR || (code == LZMA_OK && n < kDecodedPieceBytes)) {
        break;
      } else if (code != LZMA_OK) {
        return NotCoded(declared_, decoded_);
      }
    }
    return absl::OkStatus();
  }

  bool finished() const override { return finished_; }

 private:
  void NoteMemory() {
    const uint64_t memory = std::min(lzma_memusage(&stream_), kMemoryBytes);
    budget_->ChangeMemory(static_cast<int64_t>(memory) - static_cast<int64_t>(memory_));
    memory_ = memory;
  }

  const std::string declared_;
  DecodeBudget* const budget_;
  lzma_stream stream_ = LZMA_STREAM_INIT;
  uint64_t memory_ = 0;
  bool ready_ = false;
  bool decoded_ = false;  // something
  bool finished_ = false;
};

}  // namespace

std::unique_ptr<ContentDecoder> MakeLzmaDecoder(std::string_view declared, DecodeBudget* budget) {
  return std::make_unique<LzmaDecoder>(declared, budget);
}

}  // namespace flowstitch
