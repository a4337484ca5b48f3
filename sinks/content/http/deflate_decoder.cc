// gzip, zlib and bare deflate, with what browsers forgive: a wrong declaration, reserved flags of a
// gzip header, flags for fields that are not there, wrong checksums and lengths.
#include <zlib.h>

#include <algorithm>
#include <optional>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "sinks/content/http/content_decoder.h"

namespace flowstitch {
namespace {

constexpr size_t kGzipHeadBytes = 10;
constexpr size_t kZlibHeadBytes = 2;
// A gzip header with its fields.
constexpr size_t kMaxHeadBytes = 64 << 10;

// RFC 1952, 2.3.1.
enum GzipFlag : uint8_t { kHeaderCrc = 2, kExtra = 4, kName = 8, kComment = 16, kReserved = 0xe0 };

bool LooksGzip(ByteView b) { return b.size() >= 2 && b[0] == 0x1f && b[1] == 0x8b; }
bool LooksZlib(ByteView b) {
  return b.size() >= kZlibHeadBytes && (b[0] & 0x0f) == 8 && (b[0] << 8 | b[1]) % 31 == 0;
}

// Length of a gzip header with all its flags announce; nothing: it goes on behind `b`.
std::optional<size_t> GzipHeadLength(ByteView b) {
  if (b.size() < kGzipHeadBytes) return std::nullopt;
  const uint8_t flags = b[3];
  size_t at = kGzipHeadBytes;
  if ((flags & kExtra) != 0) {
    if (b.size() < at + 2) return std::nullopt;
    at += 2 + size_t{b[at]} + (size_t{b[at + 1]} << 8);
  }
  for (const uint8_t text : {kName, kComment}) {
    if ((flags & text) == 0) continue;
    if (at >= b.size()) return std::nullopt;
    const auto end = std::find(b.begin() + static_cast<long>(at), b.end(), 0);
    if (end == b.end()) return std::nullopt;
    at = static_cast<size_t>(end - b.begin()) + 1;
  }
  if ((flags & kHeaderCrc) != 0) at += 2;
  if (at > b.size()) return std::nullopt;
  return at;
}

class DeflateDecoder : public ContentDecoder {
 public:
  DeflateDecoder(std::string_view declared, DecodeBudget* budget)
      : declared_(declared), budget_(budget) {}
  ~DeflateDecoder() override {
    if (ready_) inflateEnd(&z_);
  }

  absl::Status Feed(ByteView in, const Out& out) override {
    while (!in.empty() && state_ != State::kBehind) {
      absl::Status status;
      switch (state_) {
        case State::kHead:
          status = TakeHead(&in, out);
          break;
        case State::kBody:
          status = TakeBody(&in, out);
          break;
        case State::kTrailer:
          TakeTrailer(&in);
          break;
        case State::kBehind:
          break;
      }
      if (!status.ok()) return status;
    }
    return absl::OkStatus();
  }

  absl::Status Finish(const Out& out) override {
    if (state_ == State::kHead && LooksGzip(head_) && head_.size() > kGzipHeadBytes) {
      readings_ = {kWithoutFields};
    }
    const bool nothing = state_ == State::kHead || z_.total_out == 0;
    return nothing && !readings_.empty() ? NextReading(out) : absl::OkStatus();
  }

  // Of several members, the last one; a beginning that may be none is not missed.
  bool finished() const override {
    return state_ == State::kBehind || (members_ > 0 && state_ == State::kHead);
  }
  std::string anomaly() const override { return anomaly_; }

 private:
  enum class State { kHead, kBody, kTrailer, kBehind };
  enum class Form { kGzip, kZlib, kBare };
  // One way to read what came: where the compressed bytes begin, and what stands around them.
  struct Reading {
    Form form;
    size_t skip;
    const char* anomaly;
  };
  static constexpr Reading kWithoutFields = {Form::kGzip, kGzipHeadBytes,
                                             "its header's flags are wrong"};

  // The first bytes say what it is, as browsers do.
  absl::Status TakeHead(ByteView* in, const Out& out) {
    head_.insert(head_.end(), in->begin(), in->end());
    *in = {};
    if (head_.size() < 2) return absl::OkStatus();
    if (LooksGzip(head_)) {
      const auto length = GzipHeadLength(head_);
      if (!length && head_.size() < kMaxHeadBytes) return absl::OkStatus();
      readings_ = {kWithoutFields};
      if (length) {
        const bool reserved = (head_[3] & kReserved) != 0;
        readings_.push_back(
            {Form::kGzip, *length, reserved ? "its header has reserved flags" : ""});
      }
    } else if (members_ > 0) {  // RFC 1952, 2.2: it is not the body's
      state_ = State::kBehind;
      return absl::OkStatus();
    } else {
      readings_ = {{Form::kBare, 0, ""}};
      if (LooksZlib(head_)) readings_.push_back({Form::kZlib, kZlibHeadBytes, ""});
    }
    return NextReading(out);
  }

  // The last of those that are left, from the beginning.
  absl::Status NextReading(const Out& out) {
    if (readings_.empty()) {
      const bool none = members_ > 0;  // what follows a member is no other one
      if (none) state_ = State::kBehind;
      return none ? absl::OkStatus() : NotCoded(declared_, false);
    }
    const Reading reading = readings_.back();
    readings_.pop_back();
    if (!Start(reading.form)) return NotCoded(declared_, false);
    reading_anomaly_ = reading.anomaly;
    const std::vector<uint8_t> all = std::exchange(head_, {});
    head_.assign(all.begin(), all.begin() + static_cast<long>(std::min(reading.skip, all.size())));
    return Feed(ByteView(all).subspan(head_.size()), out);
  }

  bool Start(Form form) {
    form_ = form;
    state_ = State::kBody;
    check_ = form == Form::kZlib ? adler32(0, nullptr, 0) : crc32(0, nullptr, 0);
    trailer_.clear();
    if (ready_) return inflateReset(&z_) == Z_OK;
    ready_ = inflateInit2(&z_, -MAX_WBITS) == Z_OK;
    return ready_;
  }

  absl::Status TakeBody(ByteView* in, const Out& out) {
    // Until something is decoded, it may have to be read another way.
    const bool first = z_.total_out == 0;
    const ByteView all = *in;
    if (first && head_.size() + all.size() <= kMaxHeadBytes) {
      head_.insert(head_.end(), all.begin(), all.end());
    } else if (first) {  // so much makes no sense in another way
      head_ = {};
      readings_.clear();
    }
    z_.next_in = const_cast<Bytef*>(in->data());
    z_.avail_in = static_cast<uInt>(in->size());
    uint8_t buffer[kDecodedPieceBytes];
    int code = Z_OK;
    bool full = false;
    while (code == Z_OK && (z_.avail_in > 0 || full)) {
      z_.next_out = buffer;
      z_.avail_out = kDecodedPieceBytes;
      code = inflate(&z_, Z_NO_FLUSH);
      const size_t n = kDecodedPieceBytes - z_.avail_out;
      full = z_.avail_out == 0;
      if (n == 0) continue;
      check_ = form_ == Form::kZlib ? adler32(check_, buffer, static_cast<uInt>(n))
                                    : crc32(check_, buffer, static_cast<uInt>(n));
      if (const absl::Status status = budget_->Take(n); !status.ok()) return status;
      if (const absl::Status status = out({buffer, n}); !status.ok()) return status;
    }
    *in = in->subspan(in->size() - z_.avail_in);
    if (z_.total_out > 0 && first) {
      Note(reading_anomaly_);
      head_ = {};
      readings_.clear();
    }
    if (code == Z_STREAM_END) {
      state_ = form_ == Form::kBare ? State::kBehind : State::kTrailer;
    } else if (code != Z_OK && code != Z_BUF_ERROR) {
      *in = {};
      if (z_.total_out == 0) return NextReading(out);
      return NotCoded(declared_, true);
    }
    return absl::OkStatus();
  }

  void TakeTrailer(ByteView* in) {
    const size_t whole = form_ == Form::kGzip ? 8 : 4;
    const size_t n = std::min(whole - trailer_.size(), in->size());
    trailer_.insert(trailer_.end(), in->begin(), in->begin() + static_cast<long>(n));
    if (z_.total_out == 0)
      head_.insert(head_.end(), in->begin(), in->begin() + static_cast<long>(n));
    *in = in->subspan(n);
    if (trailer_.size() < whole) return;
    if (form_ == Form::kZlib) {
      if (LoadBe32(trailer_.data()) != check_) Note("its checksum is wrong");
      state_ = State::kBehind;
      return;
    }
    if (LoadLe32(trailer_.data()) != check_) Note("its checksum is wrong");
    const auto length = static_cast<uint32_t>(z_.total_out);
    if (LoadLe32(trailer_.data() + 4) != length) Note("its length is wrong");
    ++members_;
    head_.clear();
    readings_.clear();
    state_ = State::kHead;
  }

  void Note(const char* anomaly) {
    if (*anomaly == '\0' || anomaly_.find(anomaly) != std::string::npos) return;
    absl::StrAppend(&anomaly_, anomaly_.empty() ? "" : ", ", anomaly);
  }

  const std::string declared_;
  DecodeBudget* const budget_;
  State state_ = State::kHead;
  Form form_ = Form::kBare;
  bool ready_ = false;
  int members_ = 0;                // of gzip, complete
  std::vector<uint8_t> head_;      // until something is decoded
  std::vector<Reading> readings_;  // that are left, the next one last
  const char* reading_anomaly_ = "";
  std::vector<uint8_t> trailer_;
  uLong check_ = 0;
  std::string anomaly_;
  z_stream z_ = {};
};

}  // namespace

absl::Status NotCoded(std::string_view coding, bool broken) {
  return absl::DataLossError(
      absl::StrCat(broken ? "it is not valid " : "it is not ", std::string(coding)));
}

std::unique_ptr<ContentDecoder> MakeDeflateDecoder(std::string_view declared,
                                                   DecodeBudget* budget) {
  return std::make_unique<DeflateDecoder>(declared, budget);
}

}  // namespace flowstitch
