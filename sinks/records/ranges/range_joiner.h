// Resources that came in ranges (206, multipart/byteranges; RFC 9110, 14), put together when all of
// them is there, whatever flows brought them, or at the end with holes for what is not. One for all
// workers: flows are taken in the order in which they closed, so that the result does not depend on
// threads.
#ifndef FLOWSTITCH_SINKS_RECORDS_RANGES_RANGE_JOINER_H_
#define FLOWSTITCH_SINKS_RECORDS_RANGES_RANGE_JOINER_H_

#include <deque>
#include <map>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "base/mutex.h"
#include "sinks/records/body_record.h"
#include "sinks/streams/digests.h"

namespace flowstitch {

// All calls are thread-safe.
class RangeJoiner {
 public:
  // Resources, and ranges of all of them, that wait for more; beyond, the oldest is given up.
  static constexpr size_t kMaxResources = 10'000;
  static constexpr size_t kMaxRanges = 100'000;
  // Ranges of one resource; more of it are not looked at.
  static constexpr size_t kMaxRangesOfOne = 4096;
  // Holes of all files that lack something: they cost nothing but their digests.
  static constexpr uint64_t kMaxHoleBytes = uint64_t{4} << 30;

  struct Joined {
    std::string stream_path;  // of the flow that brought the first range
    BodyRecord record;
  };

  explicit RangeJoiner(const DigestChoice& digests) : digests_(digests) {}

  // The ranges of the flow that closed as number `order`, counted from 0 without a hole, except
  // for those that are never closed, whose order is larger than all.
  void Add(uint64_t order, std::vector<RangeRecord> ranges);
  // What was put together since the last call.
  std::vector<Joined> Take();
  // No more flows come: takes those that were never closed, and puts together what there is.
  void Finish();
  absl::Status status();

 private:
  struct Resource {
    std::vector<RangeRecord> ranges;  // in the order in which they came
    uint64_t number = 0;
    uint64_t bytes = 0;  // of all ranges, overlaps counted twice
  };
  void AddOne(RangeRecord range) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void Join(const Resource& resource) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void JoinWithHoles() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void DropOldest() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  const DigestChoice digests_;
  Mutex mutex_;
  std::map<uint64_t, std::vector<RangeRecord>> waiting_ ABSL_GUARDED_BY(mutex_);
  uint64_t next_ ABSL_GUARDED_BY(mutex_) = 0;
  std::map<std::string, Resource> resources_ ABSL_GUARDED_BY(mutex_);
  std::map<uint64_t, std::string> by_age_ ABSL_GUARDED_BY(mutex_);
  uint64_t resource_number_ ABSL_GUARDED_BY(mutex_) = 0;
  size_t ranges_ ABSL_GUARDED_BY(mutex_) = 0;
  uint64_t hole_bytes_ ABSL_GUARDED_BY(mutex_) = 0;
  std::vector<Joined> joined_ ABSL_GUARDED_BY(mutex_);
  std::map<std::string, int> paths_
      ABSL_GUARDED_BY(mutex_);  // that were given, and how often they were wanted
  absl::Status status_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace flowstitch

#endif  // FLOWSTITCH_SINKS_RECORDS_RANGES_RANGE_JOINER_H_
