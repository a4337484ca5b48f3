#include "sinks/flow_files/descriptor_cache.h"

#include <unistd.h>

namespace flowstitch {

void DescriptorCache::Add(CachedDescriptor* slot) {
  while (open_.size() >= limit_) CloseOldest();
  slot->place = open_.insert(open_.end(), slot);
}

void DescriptorCache::Touch(CachedDescriptor* slot) {
  open_.splice(open_.end(), open_, slot->place);
}

bool DescriptorCache::Close(CachedDescriptor* slot) {
  open_.erase(slot->place);
  const int fd = slot->fd;
  slot->fd = -1;
  return close(fd) == 0;
}

bool DescriptorCache::CloseOldest() {
  if (open_.empty()) return false;
  Close(open_.front());
  return true;
}

}  // namespace flowstitch
