#include "capture/files/spool.h"

#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <system_error>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_replace.h"

namespace flowstitch {
namespace {

namespace fs = std::filesystem;

constexpr uint32_t kMagicNanoseconds = 0xa1b23c4d;
constexpr size_t kFileHeaderBytes = 24;
constexpr size_t kRecordHeaderBytes = 16;
constexpr char kEnding[] = ".pcap";

template <typename T>
void Put(char* at, T value) {
  std::memcpy(at, &value, sizeof(value));  // the file's own order
}

constexpr int64_t kCommitNs = kNsPerSecond / 10;

}  // namespace

absl::StatusOr<std::unique_ptr<Spool>> Spool::Open(const SpoolOptions& options) {
  SpoolOptions own = options;
  own.name = absl::StrReplaceAll(options.name, {{"/", "_"}});
  std::unique_ptr<Spool> spool(new Spool(own));
  std::error_code error;
  fs::create_directories(own.directory, error);
  if (error || access(own.directory.c_str(), R_OK | W_OK | X_OK) != 0) {
    return absl::PermissionDeniedError(
        absl::StrFormat("cannot use the spool '%s': %s", own.directory,
                        error ? error.message() : std::string(std::strerror(errno))));
  }
  if (const absl::Status status = spool->FindLeft(); !status.ok()) return status;
  return spool;
}

Spool::~Spool() {
  if (out_ != nullptr) std::fclose(out_);
}

absl::Status Spool::FindLeft() {
  std::vector<std::pair<uint64_t, fs::path>> left;
  std::error_code error;
  const std::string prefix = options_.name + ".";
  for (const fs::directory_entry& entry : fs::directory_iterator(options_.directory, error)) {
    const std::string name = entry.path().filename().string();
    if (!absl::StartsWith(name, prefix) || !absl::EndsWith(name, kEnding)) continue;
    const size_t digits = name.size() - prefix.size() - (sizeof(kEnding) - 1);
    uint64_t number = 0;
    if (absl::SimpleAtoi(name.substr(prefix.size(), digits), &number)) {
      left.emplace_back(number, entry.path());
    }
  }
  if (error) {
    return absl::PermissionDeniedError(
        absl::StrFormat("cannot read the spool '%s': %s", options_.directory, error.message()));
  }
  std::sort(left.begin(), left.end());
  for (const auto& [number, path] : left) {
    next_number_ = number + 1;
    auto file = CaptureFile::Open(path.string());
    Frame frame;
    uint64_t frames = 0;
    while (file.ok() && (*file)->Next(&frame)) ++frames;
    std::error_code ignored;
    const uint64_t bytes = fs::file_size(path, ignored);
    if (frames == 0) {  // not even begun when the process was killed
      fs::remove(path, ignored);
      continue;
    }
    files_.push_back({path.string(), frames, bytes});
    frames_ += frames;
    bytes_ += bytes;
  }
  found_frames_ = frames_;
  return absl::OkStatus();
}

bool Spool::Failed(const std::string& path) {
  if (status_.ok()) {
    status_ = absl::UnavailableError(
        absl::StrFormat("cannot write '%s': %s", path, std::strerror(errno)));
  }
  return false;
}

bool Spool::BeginFile(uint32_t link_type) {
  const std::string path =
      absl::StrFormat("%s/%s.%08d%s", options_.directory, options_.name, next_number_, kEnding);
  out_ = std::fopen(path.c_str(), "wbxe");
  if (out_ == nullptr) return Failed(path);
  ++next_number_;
  std::setvbuf(out_, nullptr, _IOFBF, 256 << 10);
  char header[kFileHeaderBytes] = {};
  Put(header, kMagicNanoseconds);
  Put(header + 4, uint16_t{2});
  Put(header + 6, uint16_t{4});
  Put(header + 16, kMaxFrameBytes);
  Put(header + 20, link_type);
  out_link_type_ = link_type;
  synced_bytes_ = 0;
  files_.push_back({path, 0, kFileHeaderBytes});
  bytes_ += kFileHeaderBytes;
  return std::fwrite(header, sizeof(header), 1, out_) == 1 || Failed(path);
}

void Spool::EndFile() {
  if (out_ == nullptr) return;
  if (options_.durable != Durability::kOff) Sync();
  if (std::fclose(std::exchange(out_, nullptr)) != 0) Failed(files_.back().path);
}

bool Spool::Append(const Frame& frame) {
  const uint64_t record = kRecordHeaderBytes + frame.bytes.size();
  if (bytes_ + record + kFileHeaderBytes > options_.size_bytes) return false;
  const bool fits = out_ != nullptr && out_link_type_ == frame.link_type &&
                    files_.back().bytes + record <= options_.file_bytes;
  if (!fits) {
    EndFile();
    if (!BeginFile(frame.link_type)) return false;
  }
  const SplitTime time = SplitTimeNs(frame.time_ns);
  char header[kRecordHeaderBytes];
  Put(header, static_cast<uint32_t>(time.seconds));
  Put(header + 4, static_cast<uint32_t>(time.nanoseconds));
  Put(header + 8, static_cast<uint32_t>(frame.bytes.size()));
  Put(header + 12, frame.wire_length);
  File& file = files_.back();
  const bool written =
      std::fwrite(header, sizeof(header), 1, out_) == 1 &&
      (frame.bytes.empty() || std::fwrite(frame.bytes.data(), frame.bytes.size(), 1, out_) == 1);
  if (!written) {
    // Whether a part of it is there is not known: nothing more goes into this file.
    Failed(file.path);
    std::fclose(std::exchange(out_, nullptr));
    return false;
  }
  file.bytes += record;
  bytes_ += record;
  ++file.frames;
  ++frames_;
  return true;
}

void Spool::Flush(int64_t now_ns) {
  if (out_ == nullptr) return;
  if (std::fflush(out_) != 0) Failed(files_.back().path);
  // The one who writes also reads the interface: the disk is not asked at every turn.
  if (options_.durable != Durability::kCommit || now_ns - synced_ns_ < kCommitNs) return;
  synced_ns_ = now_ns;
  Sync();
}

void Spool::Sync() {
  if (synced_bytes_ == files_.back().bytes) return;
  synced_bytes_ = files_.back().bytes;
  if (std::fflush(out_) != 0 || fdatasync(fileno(out_)) != 0) Failed(files_.back().path);
}

// What the file still had is lost.
void Spool::GiveUpReading() {
  lost_frames_ += files_.front().frames;
  frames_ -= files_.front().frames;
  files_.front().frames = 0;
}

bool Spool::Next(Frame* frame) {
  while (frames_ > 0) {
    if (reading_ == nullptr) {
      if (files_.size() == 1) EndFile();
      auto opened = CaptureFile::Open(files_.front().path);
      if (opened.ok()) {
        reading_ = *std::move(opened);
      } else {
        status_.Update(opened.status());
        GiveUpReading();
      }
    }
    File& file = files_.front();
    if (reading_ != nullptr && file.frames > 0 && reading_->Next(frame)) {
      --file.frames;
      --frames_;
      return true;
    }
    if (reading_ != nullptr) status_.Update(reading_->status());
    GiveUpReading();
    reading_ = nullptr;
    given_.push_back({file.path, file.bytes, 0});
    files_.pop_front();
  }
  return false;
}

void Spool::Handed(uint64_t sequence) {
  // The file that was read to its end is known to be so only with the next call of Next.
  if (!files_.empty() && reading_ != nullptr && files_.front().frames == 0) {
    reading_ = nullptr;
    given_.push_back({files_.front().path, files_.front().bytes, 0});
    files_.pop_front();
  }
  for (Given& given : given_) {
    if (given.sequence == 0) given.sequence = sequence;
  }
}

void Spool::Acknowledged(uint64_t sequence) {
  while (!given_.empty() && given_.front().sequence != 0 && given_.front().sequence <= sequence) {
    std::error_code ignored;
    fs::remove(given_.front().path, ignored);
    bytes_ -= given_.front().bytes;
    given_.pop_front();
  }
}

}  // namespace flowstitch
