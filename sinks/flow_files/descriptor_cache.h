// Open files of streams, most recently written last; the one longest unused is closed when there
// are too many, and opened again when it is needed. More flows than descriptors are slower, not
// wrong.
#ifndef FLOWSTITCH_SINKS_FLOW_FILES_DESCRIPTOR_CACHE_H_
#define FLOWSTITCH_SINKS_FLOW_FILES_DESCRIPTOR_CACHE_H_

#include <cstddef>
#include <list>

namespace flowstitch {

// Where a stream's descriptor is kept.
struct CachedDescriptor {
  int fd = -1;
  std::list<CachedDescriptor*>::iterator place;
};

class DescriptorCache {
 public:
  explicit DescriptorCache(size_t limit) : limit_(limit < 1 ? 1 : limit) {}

  // `slot` has been opened; others are closed where that is needed.
  void Add(CachedDescriptor* slot);
  void Touch(CachedDescriptor* slot);
  // Closes it; false when close(2) reports a failure of an earlier write.
  bool Close(CachedDescriptor* slot);
  // Closes the one longest unused, for when the process has no more descriptors. False if there is
  // none.
  bool CloseOldest();

 private:
  size_t limit_;
  std::list<CachedDescriptor*> open_;  // longest unused first
};

}  // namespace flowstitch

#endif  // FLOWSTITCH_SINKS_FLOW_FILES_DESCRIPTOR_CACHE_H_
