#include "sinks/http/content_coding.h"

#include <brotli/decode.h>
#include <zlib.h>
#include <zstd.h>

#include <cstddef>
#include <cstdlib>
#include <utility>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"

namespace flowstitch {
namespace {

constexpr size_t kOutBytes = 64 << 10;

absl::Status Bad(const char* coding) {
  return absl::DataLossError(absl::StrCat("it is not valid ", coding));
}

class ZlibDecoder : public ContentDecoder {
 public:
  ZlibDecoder(bool gzip, DecodeBudget* budget) : gzip_(gzip), budget_(budget) {}
  ~ZlibDecoder() override {
    if (ready_) inflateEnd(&z_);
  }

  absl::Status Feed(ByteView in, const Out& out) override {
    if (!ready_) {
      head_.insert(head_.end(), in.begin(), in.end());
      if (head_.size() < 2) return absl::OkStatus();
      if (!Start()) return Bad(gzip_ ? "gzip" : "deflate");
      const std::vector<uint8_t> all = std::move(head_);
      return Inflate(all, out);
    }
    return Inflate(in, out);
  }

  bool finished() const override {
    return ended_ || (members_ > 0 && z_.total_out == 0 && z_.total_in < kLeastMemberBytes);
  }

 private:
  // Header and trailer of gzip: less is none.
  static constexpr size_t kLeastMemberBytes = 18;

  // Bodies that are called gzip but are zlib's or bare deflate exist, and the other way round: the
  // first bytes say what it is, as browsers do.
  bool Start() {
    const bool looks_gzip = head_[0] == 0x1f && head_[1] == 0x8b;
    const bool looks_zlib = (head_[0] & 0x0f) == 8 && ((head_[0] << 8) | head_[1]) % 31 == 0;
    gzip_ = looks_gzip;
    const int window = looks_gzip ? 15 + 16 : looks_zlib ? 15 : -15;
    ready_ = inflateInit2(&z_, window) == Z_OK;
    return ready_;
  }

  absl::Status Inflate(ByteView in, const Out& out) {
    z_.next_in = const_cast<Bytef*>(in.data());
    z_.avail_in = static_cast<uInt>(in.size());
    uint8_t buffer[kOutBytes];
    while (z_.avail_in > 0) {
      if (ended_ && !NextMember()) return absl::OkStatus();  // trailing bytes are not the body's
      z_.next_out = buffer;
      z_.avail_out = kOutBytes;
      const int code = inflate(&z_, Z_NO_FLUSH);
      if (code != Z_OK && code != Z_STREAM_END && code != Z_BUF_ERROR) {
        if (members_ > 0 && z_.total_out == 0) {  // it was no member
          ended_ = trailing_ = true;
          return absl::OkStatus();
        }
        return Bad(gzip_ ? "gzip" : "deflate");
      }
      if (const absl::Status status = Put(buffer, out); !status.ok()) return status;
      ended_ = code == Z_STREAM_END;
      if (code == Z_BUF_ERROR && z_.avail_out == kOutBytes) break;
    }
    // What zlib keeps back when its input is used up but its output was full.
    while (!ended_ && z_.avail_out == 0) {
      z_.next_out = buffer;
      z_.avail_out = kOutBytes;
      const int code = inflate(&z_, Z_NO_FLUSH);
      if (const absl::Status status = Put(buffer, out); !status.ok()) return status;
      ended_ = code == Z_STREAM_END;
      if (code != Z_OK) break;
    }
    return absl::OkStatus();
  }

  absl::Status Put(uint8_t* buffer, const Out& out) {
    const size_t n = kOutBytes - z_.avail_out;
    if (n == 0) return absl::OkStatus();
    if (const absl::Status status = budget_->Take(n); !status.ok()) return status;
    return out({buffer, n});
  }

  // RFC 1952, 2.2: a gzip body may be several members; anything else behind the end is not read.
  bool NextMember() {
    if (trailing_ || !gzip_ || z_.next_in[0] != 0x1f) {
      trailing_ = true;
      return false;
    }
    ended_ = false;
    ++members_;
    return inflateReset(&z_) == Z_OK;
  }

  bool gzip_;
  bool ready_ = false;
  bool ended_ = false;
  bool trailing_ = false;  // what follows is not the body's
  int members_ = 0;        // beyond the first
  std::vector<uint8_t> head_;
  z_stream z_ = {};
  DecodeBudget* const budget_;
};

class BrotliContentDecoder : public ContentDecoder {
 public:
  explicit BrotliContentDecoder(DecodeBudget* budget)
      : state_(BrotliDecoderCreateInstance(Allocate, Free, budget)), budget_(budget) {}
  ~BrotliContentDecoder() override { BrotliDecoderDestroyInstance(state_); }

  absl::Status Feed(ByteView in, const Out& out) override {
    size_t left = in.size();
    const uint8_t* next = in.data();
    uint8_t buffer[kOutBytes];
    while (!finished()) {
      size_t room = kOutBytes;
      uint8_t* place = buffer;
      const auto code = BrotliDecoderDecompressStream(state_, &left, &next, &room, &place, nullptr);
      if (code == BROTLI_DECODER_RESULT_ERROR) return Bad("br");
      if (room < kOutBytes) {
        const size_t n = kOutBytes - room;
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

  BrotliDecoderState* state_;
  DecodeBudget* const budget_;
};

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
    uint8_t buffer[kOutBytes];
    bool more = true;
    while (in_frame_ && (input.pos < input.size || more)) {
      ZSTD_outBuffer output = {buffer, kOutBytes, 0};
      const size_t code = ZSTD_decompressStream(stream_, &output, &input);
      if (ZSTD_isError(code)) return Bad("zstd");
      if (code == 0) {
        ++frames_;
        in_frame_ = false;
      }
      if (output.pos > 0) {
        if (const absl::Status status = budget_->Take(output.pos); !status.ok()) return status;
        if (const absl::Status status = out({buffer, output.pos}); !status.ok()) return status;
      }
      more = output.pos == kOutBytes;
    }
    *in = in->subspan(input.pos);
    const size_t memory = ZSTD_sizeof_DStream(stream_);
    budget_->ChangeMemory(static_cast<int64_t>(memory) - static_cast<int64_t>(memory_));
    memory_ = memory;
    return absl::OkStatus();
  }

  size_t memory_ = 0;
  ZSTD_DStream* stream_;
  DecodeBudget* const budget_;
  std::vector<uint8_t> magic_;  // of a frame that may begin
  uint64_t frames_ = 0;
  bool in_frame_ = false;
  bool trailing_ = false;  // what follows is not the body's
};

// The outer coding first, its output into the inner one.
class StackedDecoder : public ContentDecoder {
 public:
  StackedDecoder(std::unique_ptr<ContentDecoder> outer, std::unique_ptr<ContentDecoder> inner)
      : outer_(std::move(outer)), inner_(std::move(inner)) {}
  absl::Status Feed(ByteView in, const Out& out) override {
    return outer_->Feed(in, [this, &out](ByteView bytes) { return inner_->Feed(bytes, out); });
  }
  bool finished() const override { return outer_->finished() && inner_->finished(); }

 private:
  std::unique_ptr<ContentDecoder> outer_;
  std::unique_ptr<ContentDecoder> inner_;
};

// All layers of a body, and what they may cost together.
class BudgetedDecoder : public ContentDecoder {
 public:
  BudgetedDecoder(const DecodeLimits& limits, const DecodeShare& share) : budget_(limits, share) {}
  DecodeBudget* budget() { return &budget_; }
  // The layer that comes off before those added so far.
  void AddOuter(std::unique_ptr<ContentDecoder> layer) {
    layers_ = layers_ == nullptr
                  ? std::move(layer)
                  : std::make_unique<StackedDecoder>(std::move(layer), std::move(layers_));
  }
  absl::Status Feed(ByteView in, const Out& out) override {
    budget_.NoteInput(in.size());
    return layers_->Feed(in, out);
  }
  bool finished() const override { return layers_->finished(); }

 private:
  DecodeBudget budget_;
  std::unique_ptr<ContentDecoder> layers_;
};

std::unique_ptr<ContentDecoder> MakeOne(const std::string& coding, DecodeBudget* budget) {
  if (coding == "gzip" || coding == "x-gzip") return std::make_unique<ZlibDecoder>(true, budget);
  if (coding == "deflate") return std::make_unique<ZlibDecoder>(false, budget);
  if (coding == "br") return std::make_unique<BrotliContentDecoder>(budget);
  if (coding == "zstd") return std::make_unique<ZstdContentDecoder>(budget);
  return nullptr;
}

}  // namespace

void DecodeBudget::NoteInput(size_t bytes) {
  own_.in += bytes;
  if (share_.account != nullptr) share_.account->in += bytes;
}

void DecodeBudget::UseMemory(size_t bytes) {
  if (share_.memory != nullptr) {
    share_.memory->Add(bytes);
    share_.memory->Remove(memory_);
  }
  memory_ = bytes;
}

absl::Status DecodeBudget::Take(size_t bytes) {
  own_.out += bytes;
  if (share_.account != nullptr) share_.account->out += bytes;
  if (own_.out > limits_.max_bytes) {
    return absl::ResourceExhaustedError(
        absl::StrCat("it decodes to more than ", limits_.max_bytes, " bytes"));
  }
  const DecodeAccount& all = share_.account != nullptr ? *share_.account : own_;
  if (all.out > limits_.ratio_from_bytes && all.out / limits_.max_ratio > all.in) {
    return absl::ResourceExhaustedError(
        absl::StrCat("it, or the bodies before it, decode to more than ", limits_.max_ratio,
                     " times their size"));
  }
  if (share_.memory != nullptr && share_.memory->full()) {
    return absl::ResourceExhaustedError("there is no memory for more decoders at a time");
  }
  return absl::OkStatus();
}

absl::Status MakeContentDecoder(std::string_view content_encoding, const DecodeLimits& limits,
                                std::unique_ptr<ContentDecoder>* decoder,
                                const DecodeShare& share) {
  decoder->reset();
  std::unique_ptr<BudgetedDecoder> all;
  int layers = 0;
  // The last one named was applied last, and comes off first.
  const std::vector<std::string> codings = absl::StrSplit(std::string(content_encoding), ',');
  for (const std::string& part : codings) {
    const std::string coding = absl::AsciiStrToLower(absl::StripAsciiWhitespace(part));
    if (coding.empty() || coding == "identity" || coding == "none") continue;
    if (all == nullptr) all = std::make_unique<BudgetedDecoder>(limits, share);
    auto one = MakeOne(coding, all->budget());
    if (one == nullptr) {
      return absl::UnimplementedError(absl::StrCat("the coding '", coding, "' is not known"));
    }
    if (++layers > limits.max_layers) return absl::ResourceExhaustedError("too many codings");
    all->AddOuter(std::move(one));
  }
  *decoder = std::move(all);
  return absl::OkStatus();
}

}  // namespace flowstitch
