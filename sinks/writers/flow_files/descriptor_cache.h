// Open files of streams, most recently written last; the one longest unused is closed when there
// are too many, and opened again when it is needed. More flows than descriptors are slower, not
// wrong.
#ifndef FLOWSTITCH_SINKS_WRITERS_FLOW_FILES_DESCRIPTOR_CACHE_H_
#define FLOWSTITCH_SINKS_WRITERS_FLOW_FILES_DESCRIPTOR_CACHE_H_

#include <cstddef>
#include <list>
#include <string>

#include "absl/status/status.h"

namespace flowstitch {

// Where a stream's descriptor is kept.
struct CachedDescriptor {
  int fd = -1;
  const std::string* path = nullptr;  // for errors
  std::list<CachedDescriptor*>::iterator place;
};

class DescriptorCache {
 public:
  explicit DescriptorCache(size_t limit) : limit_(limit < 1 ? 1 : limit) {}

  // `slot` has been opened; others are closed where that is needed.
  void Add(CachedDescriptor* slot);
  void Touch(CachedDescriptor* slot);
  void Close(CachedDescriptor* slot);
  // Closes the one longest unused, for when the process has no more descriptors. False if there is
  // none.
  bool CloseOldest();
  // What close(2) has told of an earlier write first, if anything.
  const absl::Status& failure() const { return failure_; }

 private:
  size_t limit_;
  std::list<CachedDescriptor*> open_;  // longest unused first
  absl::Status failure_;
};

}  // namespace flowstitch

#endif  // FLOWSTITCH_SINKS_WRITERS_FLOW_FILES_DESCRIPTOR_CACHE_H_
