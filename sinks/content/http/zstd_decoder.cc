#include <zstd.h>

#include <cstddef>
#include <cstdlib>
#include <utility>
#include <vector>

#include "sinks/content/http/content_decoder.h"

namespace flowstitch {
namespace {

class ZstdContentDecoder : public ContentDecoder {
 public:
  explicit ZstdContentDecoder(DecodeBudget* budget)
      : stream_(ZSTD_createDStream()), budget_(budget) {
    ZSTD_DCtx_setParameter(stream_, ZSTD_d_windowLogMax, 23);  // RFC 9659: 8 MiB
  }
  ~ZstdContentDecoder() override {
    budget_->ChangeMemory(-static_cast<int64_t>(memory_));
    ZSTD_freeDStream(stream_);
  }

  absl::Status Feed(ByteView in, const Out& out) override {
    while (!in.empty() && !trailing_) {
      if (!in_frame_ && !TakeMagic(&in)) return absl::OkStatus();
      if (const absl::Status status = Decompress(&in, out); !status.ok()) return status;
    }
    return absl::OkStatus();
  }

  // Of several frames, the last one is complete; what is no frame behind them is not the body's.
  bool finished() const override { return frames_ > 0 && !in_frame_; }

 private:
  static constexpr size_t kMagicBytes = 4;

  // RFC 8878, 3.1: a frame, or one to skip, begins so. The first one is the decoder's to judge.
  bool TakeMagic(ByteView* in) {
    while (magic_.size() < kMagicBytes && !in->empty()) {
      magic_.push_back((*in)[0]);
      *in = in->subspan(1);
    }
    if (magic_.size() < kMagicBytes) return false;
    const uint32_t magic = LoadLe32(magic_.data());
    const bool frame = magic == ZSTD_MAGICNUMBER || (magic & 0xfffffff0) == 0x184d2a50;
    trailing_ = frames_ > 0 && !frame;
    in_frame_ = !trailing_;
    return in_frame_;
  }

  absl::Status Decompress(ByteView* in, const Out& out) {
    if (!magic_.empty()) {
      const std::vector<uint8_t> magic = std::exchange(magic_, {});
      ByteView start = magic;
      if (const absl::Status status = Run(&start, out); !status.ok()) return status;
    }
    return in->empty() ? absl::OkStatus() : Run(in, out);
  }

  // Up to the end of the frame or of the input.
  absl::Status Run(ByteView* in, const Out& out) {
    ZSTD_inBuffer input = {in->data(), in->size(), 0};
    uint8_t buffer[kDecodedPieceBytes];
    bool more = true;
    while (in_frame_ && (input.pos < input.size || more)) {
      ZSTD_outBuffer output = {buffer, kDecodedPieceBytes, 0};
      const size_t code = ZSTD_decompressStream(stream_, &output, &input);
      if (ZSTD_isError(code)) return NotCoded("zstd", decoded_);
      if (code == 0) {
        ++frames_;
        in_frame_ = false;
      }
      if (output.pos > 0) {
        decoded_ = true;
        if (const absl::Status status = budget_->Take(output.pos); !status.ok()) return status;
        if (const absl::Status status = out({buffer, output.pos}); !status.ok()) return status;
      }
      more = output.pos == kDecodedPieceBytes;
    }
    *in = in->subspan(input.pos);
    const size_t memory = ZSTD_sizeof_DStream(stream_);
    budget_->ChangeMemory(static_cast<int64_t>(memory) - static_cast<int64_t>(memory_));
    memory_ = memory;
    return absl::OkStatus();
  }

  bool decoded_ = false;  // something
  size_t memory_ = 0;
  ZSTD_DStream* stream_;
  DecodeBudget* const budget_;
  std::vector<uint8_t> magic_;  // of a frame that may begin
  uint64_t frames_ = 0;
  bool in_frame_ = false;
  bool trailing_ = false;  // what follows is not the body's
};

}  // namespace

std::unique_ptr<ContentDecoder> MakeZstdDecoder(DecodeBudget* budget) {
  return std::make_unique<ZstdContentDecoder>(budget);
}

}  // namespace flowstitch
