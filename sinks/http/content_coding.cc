#include "sinks/http/content_coding.h"

#include <brotli/decode.h>
#include <zlib.h>
#include <zstd.h>

#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"

namespace flowstitch {
namespace {

constexpr size_t kOutBytes = 64 << 10;

// Counts what all layers of one body put out.
class OutputLimit {
 public:
  absl::Status Take(size_t bytes) {
    total_ += bytes;
    if (total_ <= kMaxDecodedBytes) return absl::OkStatus();
    return absl::ResourceExhaustedError("it decodes to more than 1 GiB");
  }

 private:
  uint64_t total_ = 0;
};

absl::Status Bad(const char* coding) {
  return absl::DataLossError(absl::StrCat("it is not valid ", coding));
}

class ZlibDecoder : public ContentDecoder {
 public:
  explicit ZlibDecoder(bool gzip) : gzip_(gzip) {}
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

  bool finished() const override { return ended_; }

 private:
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
    if (const absl::Status status = limit_.Take(n); !status.ok()) return status;
    return out({buffer, n});
  }

  // RFC 1952, 2.2: a gzip body may be several members; anything else behind the end is not read.
  bool NextMember() {
    if (!gzip_ || z_.next_in[0] != 0x1f) return false;
    ended_ = false;
    return inflateReset(&z_) == Z_OK;
  }

  bool gzip_;
  bool ready_ = false;
  bool ended_ = false;
  std::vector<uint8_t> head_;
  z_stream z_ = {};
  OutputLimit limit_;
};

class BrotliContentDecoder : public ContentDecoder {
 public:
  BrotliContentDecoder() : state_(BrotliDecoderCreateInstance(nullptr, nullptr, nullptr)) {}
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
        if (const absl::Status status = limit_.Take(n); !status.ok()) return status;
        if (const absl::Status status = out({buffer, n}); !status.ok()) return status;
      }
      if (code == BROTLI_DECODER_RESULT_NEEDS_MORE_INPUT) break;
    }
    return absl::OkStatus();
  }

  bool finished() const override { return BrotliDecoderIsFinished(state_); }

 private:
  BrotliDecoderState* state_;
  OutputLimit limit_;
};

class ZstdContentDecoder : public ContentDecoder {
 public:
  ZstdContentDecoder() : stream_(ZSTD_createDStream()) {
    ZSTD_DCtx_setParameter(stream_, ZSTD_d_windowLogMax, 27);  // RFC 9659 asks for 23; be generous
  }
  ~ZstdContentDecoder() override { ZSTD_freeDStream(stream_); }

  absl::Status Feed(ByteView in, const Out& out) override {
    ZSTD_inBuffer input = {in.data(), in.size(), 0};
    uint8_t buffer[kOutBytes];
    bool more = true;
    while (input.pos < input.size || more) {
      ZSTD_outBuffer output = {buffer, kOutBytes, 0};
      const size_t code = ZSTD_decompressStream(stream_, &output, &input);
      if (ZSTD_isError(code)) return Bad("zstd");
      finished_ = code == 0;
      if (output.pos > 0) {
        if (const absl::Status status = limit_.Take(output.pos); !status.ok()) return status;
        if (const absl::Status status = out({buffer, output.pos}); !status.ok()) return status;
      }
      more = output.pos == kOutBytes;
    }
    return absl::OkStatus();
  }

  bool finished() const override { return finished_; }

 private:
  ZSTD_DStream* stream_;
  bool finished_ = false;
  OutputLimit limit_;
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

std::unique_ptr<ContentDecoder> MakeOne(const std::string& coding) {
  if (coding == "gzip" || coding == "x-gzip") return std::make_unique<ZlibDecoder>(true);
  if (coding == "deflate") return std::make_unique<ZlibDecoder>(false);
  if (coding == "br") return std::make_unique<BrotliContentDecoder>();
  if (coding == "zstd") return std::make_unique<ZstdContentDecoder>();
  return nullptr;
}

}  // namespace

absl::Status MakeContentDecoder(std::string_view content_encoding,
                                std::unique_ptr<ContentDecoder>* decoder) {
  decoder->reset();
  int layers = 0;
  // The last one named was applied last, and comes off first.
  const std::vector<std::string> codings = absl::StrSplit(std::string(content_encoding), ',');
  for (const std::string& part : codings) {
    const std::string coding = absl::AsciiStrToLower(absl::StripAsciiWhitespace(part));
    if (coding.empty() || coding == "identity" || coding == "none") continue;
    auto one = MakeOne(coding);
    if (one == nullptr) {
      return absl::UnimplementedError(absl::StrCat("the coding '", coding, "' is not known"));
    }
    if (++layers > kMaxCodingLayers) return absl::ResourceExhaustedError("too many codings");
    *decoder = *decoder == nullptr
                   ? std::move(one)
                   : std::make_unique<StackedDecoder>(std::move(one), std::move(*decoder));
  }
  return absl::OkStatus();
}

}  // namespace flowstitch
