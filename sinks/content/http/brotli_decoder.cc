#include <brotli/decode.h>

#include <cstddef>
#include <cstdlib>
#include <utility>
#include <vector>

#include "sinks/content/http/content_decoder.h"

namespace flowstitch {
namespace {

class BrotliContentDecoder : public ContentDecoder {
 public:
  explicit BrotliContentDecoder(DecodeBudget* budget)
      : state_(BrotliDecoderCreateInstance(Allocate, Free, budget)), budget_(budget) {}
  ~BrotliContentDecoder() override { BrotliDecoderDestroyInstance(state_); }

  absl::Status Feed(ByteView in, const Out& out) override {
    size_t left = in.size();
    const uint8_t* next = in.data();
    uint8_t buffer[kDecodedPieceBytes];
    while (!finished()) {
      size_t room = kDecodedPieceBytes;
      uint8_t* place = buffer;
      const auto code = BrotliDecoderDecompressStream(state_, &left, &next, &room, &place, nullptr);
      if (code == BROTLI_DECODER_RESULT_ERROR) return NotCoded("br", decoded_);
      if (room < kDecodedPieceBytes) {
        decoded_ = true;
        const size_t n = kDecodedPieceBytes - room;
        if (const absl::Status status = budget_->Take(n); !status.ok()) return status;
        if (const absl::Status status = out({buffer, n}); !status.ok()) return status;
      }
      if (code == BROTLI_DECODER_RESULT_NEEDS_MORE_INPUT) break;
    }
    return absl::OkStatus();
  }

  bool finished() const override { return BrotliDecoderIsFinished(state_); }

 private:
  // Counts what brotli takes: the size stands before each piece.
  static void* Allocate(void* budget, size_t size) {
    auto* piece = static_cast<size_t*>(std::malloc(size + kPieceHead));
    if (piece == nullptr) return nullptr;
    *piece = size;
    static_cast<DecodeBudget*>(budget)->ChangeMemory(static_cast<int64_t>(size));
    return reinterpret_cast<uint8_t*>(piece) + kPieceHead;
  }
  static void Free(void* budget, void* address) {
    if (address == nullptr) return;
    void* piece = static_cast<uint8_t*>(address) - kPieceHead;
    const size_t size = *static_cast<size_t*>(piece);
    static_cast<DecodeBudget*>(budget)->ChangeMemory(-static_cast<int64_t>(size));
    std::free(piece);
  }
  static constexpr size_t kPieceHead = alignof(std::max_align_t);

  bool decoded_ = false;  // something
  BrotliDecoderState* state_;
  DecodeBudget* const budget_;
};

}  // namespace

std::unique_ptr<ContentDecoder> MakeBrotliDecoder(DecodeBudget* budget) {
  return std::make_unique<BrotliContentDecoder>(budget);
}

}  // namespace flowstitch
