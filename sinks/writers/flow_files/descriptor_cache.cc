#include "sinks/writers/flow_files/descriptor_cache.h"

#include <unistd.h>

#include <utility>

#include "sinks/streams/safe_file.h"

namespace flowstitch {

void DescriptorCache::Add(CachedDescriptor* slot) {
  while (open_.size() >= limit_) CloseOldest();
  slot->place = open_.insert(open_.end(), slot);
}

void DescriptorCache::Touch(CachedDescriptor* slot) {
  open_.splice(open_.end(), open_, slot->place);
}

void DescriptorCache::Close(CachedDescriptor* slot) {
  open_.erase(slot->place);
  if (close(std::exchange(slot->fd, -1)) != 0 && failure_.ok()) {
    failure_ = FileError("write", *slot->path);
  }
}

bool DescriptorCache::CloseOldest() {
  if (open_.empty()) return false;
  Close(open_.front());
  return true;
}

}  // namespace flowstitch
