#include "sinks/records/ranges/range_joiner.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <optional>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/mutex.h"
#include "sinks/streams/output_files.h"
#include "sinks/streams/safe_file.h"

namespace flowstitch {
namespace {

constexpr size_t kBlockBytes = 256 << 10;

// Which bytes of which range make up what there is of the whole, in order.
struct Piece {
  const RangeRecord* range;
  uint64_t from;
  uint64_t to;  // behind the last byte
};
std::vector<Piece> Cover(const std::vector<RangeRecord>& ranges) {
  std::vector<const RangeRecord*> sorted;
  for (const RangeRecord& range : ranges) sorted.push_back(&range);
  std::stable_sort(sorted.begin(), sorted.end(),
                   [](const auto* a, const auto* b) { return a->first < b->first; });
  std::vector<Piece> pieces;
  uint64_t at = 0;
  for (const RangeRecord* range : sorted) {
    if (range->last + 1 <= at) continue;
    at = std::max(at, range->first);
    pieces.push_back({range, at, range->last + 1});
    at = range->last + 1;
  }
  return pieces;
}

uint64_t BytesOf(const std::vector<Piece>& pieces) {
  uint64_t bytes = 0;
  for (const Piece& piece : pieces) bytes += piece.to - piece.from;
  return bytes;
}

// "bytes 0-99, 200-299 and 3 more of 1000".
std::string WhichAreThere(const std::vector<Piece>& pieces, uint64_t total) {
  constexpr size_t kMostNamed = 20;
  std::vector<std::pair<uint64_t, uint64_t>> runs;
  for (const Piece& piece : pieces) {
    if (!runs.empty() && runs.back().second == piece.from) {
      runs.back().second = piece.to;
    } else {
      runs.emplace_back(piece.from, piece.to);
    }
  }
  std::string text = "only bytes ";
  for (size_t i = 0; i < std::min(runs.size(), kMostNamed); ++i) {
    absl::StrAppend(&text, i > 0 ? ", " : "", runs[i].first, "-", runs[i].second - 1);
  }
  if (runs.size() > kMostNamed) absl::StrAppend(&text, " and ", runs.size() - kMostNamed, " more");
  return absl::StrCat(text, " of ", total, " are there");
}

}  // namespace

void RangeJoiner::Add(uint64_t order, std::vector<RangeRecord> ranges) {
  const MutexLock lock(&mutex_);
  waiting_.emplace(order, std::move(ranges));
  while (!waiting_.empty() && waiting_.begin()->first == next_) {
    for (RangeRecord& range : waiting_.begin()->second) AddOne(std::move(range));
    waiting_.erase(waiting_.begin());
    ++next_;
  }
}

void RangeJoiner::DropOldest() {
  const auto oldest = by_age_.begin();
  const auto it = resources_.find(oldest->second);
  ranges_ -= it->second.ranges.size();
  resources_.erase(it);
  by_age_.erase(oldest);
}

void RangeJoiner::AddOne(RangeRecord range) {
  // One that is everything needs no other.
  if (!status_.ok() || (range.first == 0 && range.last + 1 == range.total)) return;
  const std::string key = absl::StrCat(range.resource, "\n", range.total);
  while (!by_age_.empty() && (ranges_ >= kMaxRanges ||
                              (resources_.size() >= kMaxResources && resources_.count(key) == 0))) {
    DropOldest();
  }
  Resource& resource = resources_[key];
  if (resource.ranges.empty()) {
    resource.number = resource_number_++;
    by_age_[resource.number] = key;
  }
  if (resource.ranges.size() >= kMaxRangesOfOne) return;
  resource.bytes += range.last - range.first + 1;
  resource.ranges.push_back(std::move(range));
  ++ranges_;
  // So many bytes have to be there before it is worth a look.
  if (resource.bytes < resource.ranges[0].total) return;
  if (BytesOf(Cover(resource.ranges)) < resource.ranges[0].total) return;
  Join(resource);
  ranges_ -= resource.ranges.size();
  by_age_.erase(resource.number);
  resources_.erase(key);
}

void RangeJoiner::Join(const Resource& resource) {
  const RangeRecord& first = resource.ranges[0];
  BodyRecord record;
  record.kind = BodyKind::kJoined;
  // One message may bring the first range of several.
  const int times = ++paths_[first.stem];
  const std::string again = times > 1 ? absl::StrCat("-", times) : "";
  const std::vector<Piece> pieces = Cover(resource.ranges);
  record.complete = BytesOf(pieces) == first.total;
  record.path = absl::StrCat(first.stem, again, record.complete ? "" : "-incomplete",
                             first.extension.empty() ? "" : ".", first.extension);
  PartFile file;
  status_ = file.Open(record.path);
  std::optional<Digests> digests;
  if (digests_.any()) digests.emplace(digests_);
  std::string block(kBlockBytes, '\0');
  for (const Piece& piece : pieces) {
    if (piece.from > file.size()) {
      if (digests) digests->UpdateZeros(piece.from - file.size());
      file.Skip(piece.from - file.size());
    }
    const int fd = OpenOutput(piece.range->path, O_RDONLY);
    // A body that somebody took away meanwhile: the resource stays in pieces.
    if (fd < 0) return;
    for (uint64_t at = piece.from; at < piece.to && status_.ok();) {
      const size_t wanted = static_cast<size_t>(std::min<uint64_t>(kBlockBytes, piece.to - at));
      const ssize_t n =
          pread(fd, block.data(), wanted, static_cast<off_t>(at - piece.range->first));
      if (n <= 0) {
        close(fd);
        return;
      }
      const ByteView bytes = AsBytes({block.data(), static_cast<size_t>(n)});
      if (digests) digests->Update(bytes);
      status_ = file.Append(bytes);
      at += static_cast<uint64_t>(n);
    }
    close(fd);
  }
  if (!status_.ok()) return;
  record.bytes = file.size();
  record.time_ns = first.time_ns;
  record.note = absl::StrCat("of ", resource.ranges.size(), " ranges");
  if (!record.complete) {
    absl::StrAppend(&record.note, ": ", WhichAreThere(pieces, first.total));
  }
  if (digests) record.digests = digests->Finish();
  status_ = file.Commit(record.path, first.time_ns);
  if (status_.ok()) joined_.push_back({first.stream_path, std::move(record)});
}

std::vector<RangeJoiner::Joined> RangeJoiner::Take() {
  const MutexLock lock(&mutex_);
  return std::exchange(joined_, {});
}

void RangeJoiner::Finish() {
  const MutexLock lock(&mutex_);
  for (auto& [order, ranges] : waiting_) {
    for (RangeRecord& range : ranges) AddOne(std::move(range));
  }
  waiting_.clear();
  JoinWithHoles();
}

// What came in one range only is a file already.
void RangeJoiner::JoinWithHoles() {
  for (const auto& [number, key] : by_age_) {
    const Resource& resource = resources_.at(key);
    const std::vector<Piece> pieces = Cover(resource.ranges);
    if (pieces.size() < 2) continue;
    const uint64_t holes = pieces.back().to - BytesOf(pieces);
    if (holes > kMaxHoleBytes - hole_bytes_) continue;
    hole_bytes_ += holes;
    Join(resource);
    if (!status_.ok()) return;
  }
  by_age_.clear();
  resources_.clear();
  ranges_ = 0;
}

absl::Status RangeJoiner::status() {
  const MutexLock lock(&mutex_);
  return status_;
}

}  // namespace flowstitch
