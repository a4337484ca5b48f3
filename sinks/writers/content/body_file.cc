#include "sinks/writers/content/body_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_replace.h"
#include "base/mutex.h"
#include "base/utf8_text.h"
#include "sinks/streams/output_files.h"
#include "sinks/streams/safe_file.h"
#include "sinks/writers/content/media_types.h"

namespace flowstitch {
namespace {

// Kept in memory up to here: most bodies are written with one open, one write and one close.
constexpr size_t kKeepBytes = 128 << 10;
// What a sender's file name may give as an ending.
constexpr size_t kMaxExtensionBytes = 8;

// The ending of a name that somebody else chose, if it is a plain one.
std::string ExtensionOfName(const std::string& name) {
  const size_t dot = name.rfind('.');
  if (dot == std::string::npos || dot == 0) return "";
  const std::string extension = name.substr(dot + 1);
  const bool plain =
      !extension.empty() && extension.size() <= kMaxExtensionBytes &&
      std::all_of(extension.begin(), extension.end(), [](char c) {
        return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
      });
  return plain ? extension : "";
}

}  // namespace

BodyFile::BodyFile(const BodyFileOptions& options, std::string stem, BodyHead head,
                   PartTaker* parts, DecodeAccount* account)
    : options_(options),
      stem_(std::move(stem)),
      head_(std::move(head)),
      part_taker_(parts),
      account_(account),
      file_(options.memory),
      raw_(options.memory) {
  if (options_.decode) {
    const absl::Status status = MakeContentDecoder(head_.codings, options_.limits, &decoder_,
                                                   {account_, options_.decoders});
    if (!status.ok()) note_ = absl::StrCat("kept as it came: ", std::string(status.message()));
  }
  if (part_taker_ != nullptr) {
    const std::string boundary = BoundaryOf(head_.content_type);
    if (!boundary.empty()) {
      MultipartEvents* const events = this;
      splitter_ =
          std::make_unique<MultipartSplitter>(boundary, events, IsMixedReplace(head_.content_type));
    }
  }
}

BodyFile::~BodyFile() = default;

void BodyFile::AddNote(std::string_view note) {
  if (note.empty() || absl::StrContains(note_, absl::string_view(note.data(), note.size()))) {
    return;
  }
  note_ = note_.empty() ? std::string(note) : absl::StrCat(note_, "; ", std::string(note));
}

void BodyFile::BeginContent() {
  if (!file_.begun()) file_.Begin(stem_ + ".part", kKeepBytes);
  DigestChoice choice = options_.digests;
  choice.sha256 = choice.sha256 || options_.names == BodyNames::kDigest;
  digests_ = choice.any() ? std::make_unique<Digests>(choice) : nullptr;
  start_.clear();
  if (digests_ != nullptr) digests_->UpdateZeros(leading_gap_);
  file_.Skip(leading_gap_);
}

absl::Status BodyFile::Write(ByteView bytes) {
  if (bytes.empty()) return absl::OkStatus();
  if (!file_.begun()) BeginContent();
  if (digests_ != nullptr) digests_->Update(bytes);
  if (start_.size() < ContentNames::kStartBytes && options_.content != nullptr) {
    start_.append(AsText(bytes).substr(0, ContentNames::kStartBytes - start_.size()));
  }
  if (splitter_ != nullptr) splitter_->Feed(bytes);
  return file_.Append(bytes);
}

absl::Status BodyFile::KeepRaw(ByteView bytes) {
  if (!raw_.begun()) raw_.Begin(stem_ + ".raw.part", kKeepBytes);
  return raw_.Append(bytes);
}

absl::Status BodyFile::FallBackToRaw(std::string why) {
  decoder_ = nullptr;
  note_ = absl::StrCat("kept as it came: ", why);
  if (splitter_ != nullptr) splitter_->Finish();
  splitter_ = nullptr;
  if (const absl::Status status = file_.Truncate(); !status.ok()) return status;
  BeginContent();
  const absl::Status status = raw_.ReadBack([this](ByteView bytes) { return Write(bytes); });
  raw_.Discard();
  return status;
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
  end_offset_ = std::max(end_offset_, stream_offset + bytes.size());
  if (decoder_ == nullptr) return Write(bytes);
  if (const absl::Status status = KeepRaw(bytes); !status.ok()) return status;
  absl::Status disk;
  const absl::Status decoded = decoder_->Feed(bytes, [this, &disk](ByteView out) {
    disk = Write(out);
    return disk;
  });
  if (!disk.ok()) return disk;
  if (!decoded.ok()) return FallBackToRaw(std::string(decoded.message()));
  return part_status_;
}

absl::Status BodyFile::AddGap(uint64_t length) {
  if (length == 0) return absl::OkStatus();
  gap_ = true;
  if (!started_) {
    leading_gap_ += length;
    return absl::OkStatus();
  }
  end_offset_ += length;
  if (decoder_ != nullptr) {
    if (const absl::Status status = KeepDecoded(); !status.ok()) return status;
    // What comes behind the gap cannot be decoded.
    if (const absl::Status status = FallBackToRaw("bytes are missing inside it"); !status.ok()) {
      return status;
    }
  }
  if (splitter_ != nullptr) splitter_->Gap(length);
  if (digests_ != nullptr) digests_->UpdateZeros(length);
  file_.Skip(length);
  return absl::OkStatus();
}

// What was decoded before a hole: all of the body is kept as it came.
absl::Status BodyFile::KeepDecoded() {
  if (file_.size() == 0 || part_taker_ == nullptr) return absl::OkStatus();
  before_hole_ = std::make_unique<PieceFile>(options_.memory);
  before_hole_->Begin(stem_ + ".decoded.part", kKeepBytes);
  return file_.ReadBack([this](ByteView bytes) { return before_hole_->Append(bytes); });
}

std::string BodyFile::Extension() const {
  // What is still coded says nothing of its content.
  const bool by_content = options_.content != nullptr && (head_.codings.empty() || decoded_);
  std::string extension = by_content
                              ? options_.content->Extension(head_.content_type, AsBytes(start_))
                              : ExtensionFor(head_.content_type);
  // A part's name is part of its form.
  if (extension.empty() && part_taker_ == nullptr) {
    extension = ExtensionOfName(FieldParameter(head_.disposition, "filename"));
  }
  return extension;
}

std::string BodyFile::path() const {
  const std::string extension = ExtensionFor(head_.content_type);
  return absl::StrCat(stem_, extension.empty() ? "" : ".", extension);
}

std::string BodyFile::FinalPath(bool complete, const BodyRecord& record) const {
  const char* mark = complete ? "" : "-incomplete";
  if (options_.names == BodyNames::kDigest && !record.digests.empty()) {
    return absl::StrCat(options_.directory, "/HTTPBODY-", record.digests.back().hex, mark);
  }
  const std::string extension = Extension();
  return absl::StrCat(stem_, mark, extension.empty() ? "" : ".", extension);
}

absl::Status BodyFile::Finish(bool complete, std::string_view why, BodyRecord* record) {
  if (!started_) return absl::OkStatus();
  if (decoder_ != nullptr) {
    absl::Status disk;
    const absl::Status rest = decoder_->Finish([this, &disk](ByteView out) {
      disk = Write(out);
      return disk;
    });
    if (!disk.ok()) return disk;
    if (!rest.ok()) {
      if (const absl::Status status = FallBackToRaw(std::string(rest.message())); !status.ok()) {
        return status;
      }
    }
  }
  const std::string anomaly = decoder_ != nullptr ? decoder_->anomaly() : "";
  AddNote(anomaly);
  if (decoder_ != nullptr && !decoder_->finished()) {
    complete = false;
    // Not even one decoded byte: then what came is all there is to show.
    if (file_.size() == 0) {
      if (const absl::Status status = FallBackToRaw("its coding ends at once"); !status.ok()) {
        return status;
      }
    } else {
      AddNote("the end of its coding is missing");
    }
  }
  decoded_ = decoder_ != nullptr;
  if (anomaly.empty()) raw_.Discard();
  if (splitter_ != nullptr) {
    splitter_->Finish();
    if (!splitter_->complete() && parts_ > 0)
      AddNote("its last part has no end, or there are too many");
    if (parts_ > 0) AddNote(splitter_->anomaly());
  }
  if (!part_status_.ok()) return part_status_;
  if (gap_) complete = false;
  if (!file_.begun()) return absl::OkStatus();  // it decodes to nothing
  AddNote(why);
  record->complete = complete;
  record->time_ns = time_ns_;
  record->note = note_.empty() && !complete ? "its end or a part of it is missing" : note_;
  record->bytes = file_.size();
  record->stream_offset = first_offset_;
  record->stream_bytes = end_offset_ - first_offset_;
  record->sender_name = SafeFileName(FieldParameter(head_.disposition, "filename"));
  if (digests_ != nullptr) record->digests = digests_->Finish();
  record->path = FinalPath(complete, *record);
  if (const absl::Status status = KeepOtherReadings(*record, !anomaly.empty()); !status.ok()) {
    return status;
  }
  if (options_.names == BodyNames::kDigest) return CommitByDigest(*record);
  return file_.Commit(record->path, time_ns_);
}

// Where a body can be read in two ways, both are kept.
absl::Status BodyFile::KeepOtherReadings(const BodyRecord& record, bool odd_coding) {
  if (part_taker_ == nullptr) return absl::OkStatus();
  if (before_hole_ != nullptr) {
    return KeepOther(before_hole_.get(), "-HTTPDECODED-", "what decodes of the same before a hole",
                     record);
  }
  if (odd_coding) {
    return KeepOther(&raw_, "-HTTPSENT-", "the same before its coding was taken off", record);
  }
  if (gap_ || !head_.other_length || decoded_ || *head_.other_length >= file_.size()) {
    return absl::OkStatus();
  }
  PieceFile shorter(options_.memory);
  shorter.Begin(stem_ + ".by-length.part", kKeepBytes);
  uint64_t left = *head_.other_length;
  const absl::Status status = file_.ReadBack([&](ByteView bytes) {
    const auto n = static_cast<size_t>(std::min<uint64_t>(left, bytes.size()));
    left -= n;
    return n == 0 ? absl::OkStatus() : shorter.Append(bytes.first(n));
  });
  if (!status.ok()) return status;
  return KeepOther(&shorter, "-HTTPLENGTH-", "the same up to its Content-Length", record);
}

absl::Status BodyFile::KeepOther(PieceFile* file, const char* name, const char* note,
                                 const BodyRecord& record) {
  if (file->size() == 0) {
    file->Discard();
    return absl::OkStatus();
  }
  BodyRecord other;
  other.kind = BodyKind::kOtherReading;
  other.path = absl::StrReplaceAll(stem_, {{"-HTTPBODY-", name}});
  const std::string extension = file == before_hole_.get() ? ExtensionFor(head_.content_type) : "";
  if (!extension.empty()) absl::StrAppend(&other.path, ".", extension);
  other.bytes = file->size();
  other.stream_offset = record.stream_offset;
  other.stream_bytes = record.stream_bytes;
  other.complete = !gap_;
  other.note = note;
  other.time_ns = time_ns_;
  if (options_.digests.any()) {
    Digests digests(options_.digests);
    const absl::Status status = file->ReadBack([&digests](ByteView bytes) {
      digests.Update(bytes);
      return absl::OkStatus();
    });
    if (!status.ok()) return status;
    other.digests = digests.Finish();
  }
  const absl::Status status = file->Commit(other.path, time_ns_);
  if (status.ok()) part_taker_->OnPartFile(std::move(other));
  return status;
}

// Each content once, with the time of the first one: whichever thread comes first.
absl::Status BodyFile::CommitByDigest(const BodyRecord& record) {
  const MutexLock lock(options_.digest_names);
  struct stat there = {};
  if (stat(record.path.c_str(), &there) != 0) return file_.Commit(record.path, time_ns_);
  file_.Discard();
  if (MakeTimeNs(there.st_mtim.tv_sec, there.st_mtim.tv_nsec) > time_ns_) {
    const int fd = OpenOutput(record.path, O_WRONLY);
    if (fd < 0) return FileError("open", record.path);
    SetFileTimes(fd, time_ns_);
    if (close(fd) != 0) return FileError("write", record.path);
  }
  return absl::OkStatus();
}

void BodyFile::OnPart(const HttpFields& fields, uint64_t position) {
  BodyHead head{FieldValue(fields, "content-type"), FieldValue(fields, "content-encoding"),
                FieldValue(fields, "content-disposition")};
  // A part of a form without a type is text (RFC 7578, 4.4), unless it is a file.
  if (head.content_type.empty() && FieldParameter(head.disposition, "filename").empty()) {
    head.content_type = "text/plain";
  }
  part_fields_ = fields;
  part_position_ = position;
  part_ = std::make_unique<BodyFile>(options_, absl::StrFormat("%s-part-%02d", stem_, ++parts_),
                                     std::move(head), nullptr, account_);
}

void BodyFile::OnPartBytes(ByteView bytes) {
  if (part_ == nullptr || !part_status_.ok()) return;
  part_status_ = part_->Add(bytes, part_position_, time_ns_);
  part_position_ += bytes.size();
}

void BodyFile::OnPartEnd(bool complete) {
  if (part_ == nullptr || !part_status_.ok()) return;
  BodyRecord record;
  part_status_ = part_->Finish(complete, "", &record);
  part_ = nullptr;
  if (!part_status_.ok() || record.path.empty()) return;
  record.kind = BodyKind::kPart;
  record.field_name =
      ToUtf8(FieldParameter(FieldValue(part_fields_, "content-disposition"), "name"));
  record.content_range = FieldValue(part_fields_, "content-range");
  part_taker_->OnPartFile(std::move(record));
}

}  // namespace flowstitch
