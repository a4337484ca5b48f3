#include "sinks/streams/stream_names.h"

#include <unistd.h>

#include <algorithm>
#include <utility>

#include "absl/hash/hash.h"
#include "absl/strings/str_cat.h"

namespace flowstitch {

bool StreamNames::Taken(const std::string& path) const {
  return std::any_of(endings_.begin(), endings_.end(), [&path](const std::string& ending) {
    return access((path + ending).c_str(), F_OK) == 0;
  });
}

void StreamNames::Choose(SinkFlow& flow, Direction direction) {
  SinkStream& stream = flow.streams[direction];
  std::string first = names_.Expand(flow, direction, 0);
  uint32_t& counter = counters_[absl::HashOf(first)];
  do {
    stream.name = counter == 0 ? std::move(first) : names_.Expand(flow, direction, counter);
    stream.path = PathOf(stream.name);
    ++counter;
  } while (Taken(stream.path));
}

std::string StreamNames::PathOf(const std::string& name) const {
  return directory_ == "." || directory_.empty() ? name : absl::StrCat(directory_, "/", name);
}

void StreamNames::Restore(SinkFlow& flow, Direction direction, const std::string& name) {
  SinkStream& stream = flow.streams[direction];
  stream.name = name;
  stream.path = PathOf(name);
  stream.restored = true;
}

}  // namespace flowstitch
