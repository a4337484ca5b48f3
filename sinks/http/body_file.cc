#include "sinks/http/body_file.h"

#include <unistd.h>

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"

namespace flowstitch {
namespace {

// A coded body is kept in memory up to here, in case it does not decode; then in a file.
constexpr size_t kMaxRawInMemory = 1 << 20;

}  // namespace

BodyFile::BodyFile(std::string stem, std::string extension, const DigestChoice& digests)
    : stem_(std::move(stem)), extension_(std::move(extension)), digest_choice_(digests) {}

void BodyFile::SetCoding(const std::string& content_encoding) {
  const absl::Status status = MakeContentDecoder(content_encoding, &decoder_);
  if (!status.ok()) note_ = absl::StrCat("kept as it came: ", std::string(status.message()));
}

absl::Status BodyFile::Write(ByteView bytes) {
  if (bytes.empty()) return absl::OkStatus();
  if (!file_.open()) {
    if (const absl::Status status = file_.Open(stem_); !status.ok()) return status;
    if (digest_choice_.any()) digests_ = std::make_unique<Digests>(digest_choice_);
    if (digests_ != nullptr) digests_->UpdateZeros(leading_gap_);
    file_.Skip(leading_gap_);
  }
  if (digests_ != nullptr) digests_->Update(bytes);
  return file_.Append(bytes);
}

absl::Status BodyFile::KeepRaw(ByteView bytes) {
  if (!raw_file_.open()) {
    if (raw_.size() + bytes.size() <= kMaxRawInMemory) {
      raw_.append(AsText(bytes));
      return absl::OkStatus();
    }
    if (const absl::Status status = raw_file_.Open(stem_ + ".raw"); !status.ok()) return status;
    if (const absl::Status status = raw_file_.Append(AsBytes(raw_)); !status.ok()) return status;
    raw_.clear();
  }
  return raw_file_.Append(bytes);
}

absl::Status BodyFile::FallBackToRaw(std::string why) {
  decoder_ = nullptr;
  note_ = absl::StrCat("kept as it came: ", why);
  if (file_.open()) {
    if (const absl::Status status = file_.Truncate(); !status.ok()) return status;
    if (digest_choice_.any()) digests_ = std::make_unique<Digests>(digest_choice_);
  }
  const std::string raw = std::exchange(raw_, {});
  if (!raw_file_.open()) return Write(AsBytes(raw));
  std::string block(1 << 16, '\0');
  for (uint64_t at = 0; at < raw_file_.size();) {
    const ssize_t n = pread(raw_file_.fd(), block.data(), block.size(), static_cast<off_t>(at));
    if (n <= 0) return FileError("read back", stem_ + ".raw.part");
    const absl::Status status = Write(AsBytes({block.data(), static_cast<size_t>(n)}));
    if (!status.ok()) return status;
    at += static_cast<uint64_t>(n);
  }
  raw_file_.Discard();
  return absl::OkStatus();
}

absl::Status BodyFile::Add(ByteView bytes, uint64_t stream_offset, TimeNs time_ns) {
  if (!started_) {
    started_ = true;
    first_offset_ = stream_offset - std::min(stream_offset, leading_gap_);
    time_ns_ = time_ns;
    if (leading_gap_ > 0) {
      if (decoder_ != nullptr) note_ = "kept as it came: bytes are missing at its beginning";
      decoder_ = nullptr;
    }
  }
  end_offset_ = stream_offset + bytes.size();
  if (decoder_ == nullptr) return Write(bytes);
  if (const absl::Status status = KeepRaw(bytes); !status.ok()) return status;
  absl::Status disk;
  const absl::Status decoded = decoder_->Feed(bytes, [this, &disk](ByteView out) {
    disk = Write(out);
    return disk;
  });
  if (!disk.ok()) return disk;
  if (!decoded.ok()) return FallBackToRaw(std::string(decoded.message()));
  return absl::OkStatus();
}

absl::Status BodyFile::AddGap(uint64_t length) {
  gap_ = true;
  if (!started_) {
    leading_gap_ += length;
    return absl::OkStatus();
  }
  end_offset_ += length;
  if (decoder_ != nullptr) {
    // What comes behind the gap cannot be decoded: what was, stays.
    if (const absl::Status status = FallBackToRaw("bytes are missing inside it"); !status.ok()) {
      return status;
    }
  }
  if (digests_ != nullptr) digests_->UpdateZeros(length);
  if (file_.open()) file_.Skip(length);
  return absl::OkStatus();
}

std::string BodyFile::path() const {
  return absl::StrCat(stem_, extension_.empty() ? "" : ".", extension_);
}

absl::Status BodyFile::Finish(bool complete, BodyRecord* record) {
  if (!started_) return absl::OkStatus();
  if (decoder_ != nullptr && !decoder_->finished()) {
    complete = false;
    // Not even one decoded byte: then what came is all there is to show.
    if (!file_.open()) {
      if (const absl::Status status = FallBackToRaw("its coding ends at once"); !status.ok()) {
        return status;
      }
    } else {
      note_ = "the end of its coding is missing";
    }
  }
  if (gap_) complete = false;
  if (!file_.open()) return absl::OkStatus();  // it decodes to nothing
  record->complete = complete;
  record->time_ns = time_ns_;
  record->note = note_.empty() && !complete ? "its end or a part of it is missing" : note_;
  record->bytes = file_.size();
  record->stream_offset = first_offset_;
  record->stream_bytes = end_offset_ - first_offset_;
  if (digests_ != nullptr) record->digests = digests_->Finish();
  record->path =
      absl::StrCat(stem_, complete ? "" : "-incomplete", extension_.empty() ? "" : ".", extension_);
  return file_.Commit(record->path, time_ns_);
}

}  // namespace flowstitch
