#include "sinks/http/range_joiner.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <optional>
#include <utility>

#include "absl/strings/str_cat.h"
#include "sinks/output_files.h"
#include "sinks/safe_file.h"

namespace flowstitch {
namespace {

constexpr size_t kBlockBytes = 256 << 10;

// Which bytes of which range make up the whole, in order; empty when some are missing.
struct Piece {
  const RangeRecord* range;
  uint64_t from;
  uint64_t to;  // behind the last byte
};
std::vector<Piece> Cover(const std::vector<RangeRecord>& ranges, uint64_t total) {
  std::vector<const RangeRecord*> sorted;
  for (const RangeRecord& range : ranges) sorted.push_back(&range);
  std::stable_sort(sorted.begin(), sorted.end(),
                   [](const auto* a, const auto* b) { return a->first < b->first; });
  std::vector<Piece> pieces;
  uint64_t at = 0;
  for (const RangeRecord* range : sorted) {
    if (range->first > at) return {};
    if (range->last + 1 <= at) continue;
    pieces.push_back({range, at, range->last + 1});
    at = range->last + 1;
  }
  return at == total ? pieces : std::vector<Piece>{};
}

}  // namespace

bool ParseContentRange(std::string_view value, uint64_t* first, uint64_t* last, uint64_t* total) {
  unsigned long long a = 0;
  unsigned long long b = 0;
  unsigned long long c = 0;
  char tail = 0;
  const std::string text(value);
  if (text.find('-') == std::string::npos) return false;
  if (std::sscanf(text.c_str(), " bytes %20llu-%20llu/%20llu %c", &a, &b, &c, &tail) != 3) {
    return false;
  }
  if (a > b || b >= c) return false;
  *first = a;
  *last = b;
  *total = c;
  return true;
}

void RangeJoiner::Add(uint64_t order, std::vector<RangeRecord> ranges) {
  const std::lock_guard<std::mutex> lock(mutex_);
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
  if (Cover(resource.ranges, resource.ranges[0].total).empty()) return;
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
  record.path =
      absl::StrCat(first.stem, again, first.extension.empty() ? "" : ".", first.extension);
  PartFile file;
  status_ = file.Open(record.path);
  std::optional<Digests> digests;
  if (digests_.any()) digests.emplace(digests_);
  std::string block(kBlockBytes, '\0');
  for (const Piece& piece : Cover(resource.ranges, first.total)) {
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
  record.complete = true;
  record.time_ns = first.time_ns;
  record.note = absl::StrCat("of ", resource.ranges.size(), " ranges");
  if (digests) record.digests = digests->Finish();
  status_ = file.Commit(record.path, first.time_ns);
  if (status_.ok()) joined_.push_back({first.stream_path, std::move(record)});
}

std::vector<RangeJoiner::Joined> RangeJoiner::Take() {
  const std::lock_guard<std::mutex> lock(mutex_);
  return std::exchange(joined_, {});
}

void RangeJoiner::Finish() {
  const std::lock_guard<std::mutex> lock(mutex_);
  for (auto& [order, ranges] : waiting_) {
    for (RangeRecord& range : ranges) AddOne(std::move(range));
  }
  waiting_.clear();
}

absl::Status RangeJoiner::status() {
  const std::lock_guard<std::mutex> lock(mutex_);
  return status_;
}

}  // namespace flowstitch
