#include "sinks/content/http/content_coding.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"

namespace flowstitch {
namespace {

// What a layer that may not be there holds back.
constexpr size_t kProbeBytes = 64 << 10;
constexpr size_t kMaxHeldBytes = size_t{32} << 20;

// Whether bytes begin as gzip, zlib's form, zstd or xz do; br and bare deflate have no mark.
bool HasMark(ByteView b) {
  if (b.size() < 4) return false;
  const bool zlib = (b[0] & 0x0f) == 8 && (b[0] << 8 | b[1]) % 31 == 0;
  return (b[0] == 0x1f && b[1] == 0x8b) || zlib || LoadLe32(b.data()) == 0xfd2fb528 ||
         LoadBe32(b.data()) == 0xfd377a58;
}

// A coding that was declared. It may never have been applied: then its decoder fails at the first
// bytes, and they are what the next layer wants. Where the bytes have no mark of their own, almost
// anything decodes to something for a while: nothing is given out until the decoder is at its end,
// or has gone so far that chance is out of question.
class Layer {
 public:
  Layer(std::string coding, std::unique_ptr<ContentDecoder> decoder, bool doubtful)
      : coding_(std::move(coding)), decoder_(std::move(decoder)), doubtful_(doubtful) {}

  absl::Status Feed(ByteView in, const ContentDecoder::Out& out) {
    if (state_ == State::kAbsent) return out(in);
    if (state_ == State::kDecodes) return decoder_->Feed(in, out);
    held_.insert(held_.end(), in.begin(), in.end());
    const absl::Status status = decoder_->Feed(in, Holding(out));
    if (state_ == State::kDecodes) return status;
    if (absl::IsDataLoss(status)) {
      return decoded_.empty() || (doubtful_ && !HasMark(held_)) ? Skip(out) : status;
    }
    if (!status.ok()) return status;
    const bool sure = !decoded_.empty() && (!doubtful_ || HasMark(held_));
    return sure || held_.size() >= kProbeBytes ? Accept(out) : absl::OkStatus();
  }
  absl::Status Finish(const ContentDecoder::Out& out) {
    if (state_ == State::kAbsent) return absl::OkStatus();
    if (state_ == State::kDecodes) return decoder_->Finish(out);
    const absl::Status status = decoder_->Finish(Holding(out));
    if (state_ == State::kDecodes) return status;
    if (absl::IsDataLoss(status)) return Skip(out);
    if (!status.ok()) return status;
    const bool ended = decoder_->finished() || !doubtful_ || HasMark(held_);
    return ended ? Accept(out) : Skip(out);
  }
  bool absent() const { return state_ == State::kAbsent; }
  bool finished() const { return absent() || decoder_->finished(); }
  std::string anomaly() const {
    return absent() ? absl::StrCat("it is declared ", coding_, " and is not") : decoder_->anomaly();
  }
  const std::string& coding() const { return coding_; }

 private:
  enum class State { kProbing, kDecodes, kAbsent };

  ContentDecoder::Out Holding(const ContentDecoder::Out& out) {
    return [this, &out](ByteView bytes) {
      if (state_ == State::kDecodes) return out(bytes);
      decoded_.insert(decoded_.end(), bytes.begin(), bytes.end());
      if (decoded_.size() <= kProbeBytes) return absl::OkStatus();
      if (!doubtful_ || HasMark(held_)) return Accept(out);
      return decoded_.size() <= kMaxHeldBytes
                 ? absl::OkStatus()
                 : absl::ResourceExhaustedError("it decodes to too much at once");
    };
  }
  absl::Status Accept(const ContentDecoder::Out& out) {
    state_ = State::kDecodes;
    held_ = {};
    const std::vector<uint8_t> decoded = std::exchange(decoded_, {});
    return decoded.empty() ? absl::OkStatus() : out(decoded);
  }
  absl::Status Skip(const ContentDecoder::Out& out) {
    state_ = State::kAbsent;
    decoded_ = {};
    const std::vector<uint8_t> held = std::exchange(held_, {});
    return held.empty() ? absl::OkStatus() : out(held);
  }

  const std::string coding_;
  const std::unique_ptr<ContentDecoder> decoder_;
  const bool doubtful_;
  State state_ = State::kProbing;
  std::vector<uint8_t> held_, decoded_;  // until it is clear
};

// All layers of a body, and what they may cost together.
class LayeredDecoder : public ContentDecoder {
 public:
  LayeredDecoder(const DecodeLimits& limits, const DecodeShare& share) : budget_(limits, share) {}
  DecodeBudget* budget() { return &budget_; }
  // The layer that comes off before those added so far.
  void AddOuter(std::string coding, std::unique_ptr<ContentDecoder> decoder, bool doubtful) {
    layers_.insert(layers_.begin(),
                   std::make_unique<Layer>(std::move(coding), std::move(decoder), doubtful));
  }
  size_t size() const { return layers_.size(); }
  void set_odd(std::string odd) { odd_ = std::move(odd); }

  absl::Status Feed(ByteView in, const Out& out) override {
    budget_.NoteInput(in.size());
    return FeedLayer(0, in, out);
  }
  absl::Status Finish(const Out& out) override {
    for (size_t i = 0; i < layers_.size(); ++i) {
      const absl::Status status = layers_[i]->Finish(
          [this, i, &out](ByteView bytes) { return FeedLayer(i + 1, bytes, out); });
      if (!status.ok()) return status;
    }
    return absl::OkStatus();
  }
  bool finished() const override {
    return std::all_of(layers_.begin(), layers_.end(),
                       [](const auto& layer) { return layer->finished(); });
  }
  std::string anomaly() const override {
    std::vector<std::string> all;
    if (!odd_.empty()) all.push_back(odd_);
    for (const auto& layer : layers_) {
      if (std::string one = layer->anomaly(); !one.empty()) all.push_back(std::move(one));
    }
    return absl::StrJoin(all, ", ");
  }

 private:
  absl::Status FeedLayer(size_t i, ByteView in, const Out& out) {
    if (i < layers_.size()) {
      return layers_[i]->Feed(
          in, [this, i, &out](ByteView bytes) { return FeedLayer(i + 1, bytes, out); });
    }
    const bool none = std::all_of(layers_.begin(), layers_.end(),
                                  [](const auto& layer) { return layer->absent(); });
    if (none) return NotCoded(layers_.front()->coding(), false);
    return out(in);
  }

  DecodeBudget budget_;
  std::vector<std::unique_ptr<Layer>> layers_;  // the outermost first
  std::string odd_;
};

std::unique_ptr<ContentDecoder> MakeOne(std::string_view coding, DecodeBudget* budget) {
  if (coding == "gzip" || coding == "deflate") return MakeDeflateDecoder(coding, budget);
  if (coding == "br") return MakeBrotliDecoder(budget);
  if (coding == "zstd") return MakeZstdDecoder(budget);
  if (coding == "lzma" || coding == "xz") return MakeLzmaDecoder(coding, budget);
  return nullptr;
}

bool IsKnown(std::string_view coding) {
  for (const char* known : {"gzip", "deflate", "br", "zstd", "lzma", "xz"}) {
    if (coding == known) return true;
  }
  return false;
}

bool IsWordCharacter(char c) {
  return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '_';
}

// One of a list's members, as browsers read it: NULs are not there, and of what is no word, or is
// not known, the first coding counts. "x-gzip" is gzip (RFC 9110, 8.4.1.3).
struct Declared {
  std::string coding;  // empty: none
  bool known = false;
  bool odd = false;  // it is not written as the RFC has it
};
Declared ReadMember(std::string_view member) {
  Declared declared;
  std::string text = absl::AsciiStrToLower(std::string(member));
  text.erase(std::remove(text.begin(), text.end(), '\0'), text.end());
  declared.odd = text.size() != member.size();
  text = std::string(absl::StripAsciiWhitespace(text));
  for (size_t at = 0; at < text.size();) {
    const auto begin =
        std::find_if(text.begin() + static_cast<long>(at), text.end(), IsWordCharacter);
    const auto end = std::find_if_not(begin, text.end(), IsWordCharacter);
    std::string word(begin, end);
    at = static_cast<size_t>(end - text.begin());
    if (word.empty()) break;
    if (word.substr(0, 2) == "x-") word.erase(0, 2);
    declared.known = IsKnown(word);
    if (declared.coding.empty() || declared.known) declared.coding = word;
    if (declared.known) break;
  }
  const bool plain = text == declared.coding || text == "x-" + declared.coding;
  declared.odd = declared.odd || (declared.known && !plain);
  if (declared.coding == "identity" || declared.coding == "none") declared.coding.clear();
  return declared;
}

}  // namespace

absl::Status MakeContentDecoder(std::string_view content_encoding, const DecodeLimits& limits,
                                std::unique_ptr<ContentDecoder>* decoder,
                                const DecodeShare& share) {
  decoder->reset();
  std::unique_ptr<LayeredDecoder> all;
  // The last one named was applied last, and comes off first.
  const std::vector<std::string> members = absl::StrSplit(std::string(content_encoding), ',');
  for (const std::string& member : members) {
    const Declared declared = ReadMember(member);
    if (declared.coding.empty()) continue;
    if (all == nullptr) all = std::make_unique<LayeredDecoder>(limits, share);
    auto one = MakeOne(declared.coding, all->budget());
    if (one == nullptr) {
      return absl::UnimplementedError(
          absl::StrCat("the coding '", declared.coding, "' is not known"));
    }
    if (static_cast<int>(all->size()) >= limits.max_layers) {
      return absl::ResourceExhaustedError("too many codings");
    }
    if (declared.odd) all->set_odd("its coding is declared in an odd way");
    // A single one is believed, but for gzip, which has a mark.
    const bool doubtful = members.size() > 1 || declared.coding == "gzip";
    all->AddOuter(declared.coding, std::move(one), doubtful);
  }
  *decoder = std::move(all);
  return absl::OkStatus();
}

}  // namespace flowstitch
