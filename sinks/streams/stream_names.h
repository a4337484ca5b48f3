// Gives streams their file names: no two streams of a run the same, and none that a file on disk
// has already.
#ifndef FLOWSTITCH_SINKS_STREAMS_STREAM_NAMES_H_
#define FLOWSTITCH_SINKS_STREAMS_STREAM_NAMES_H_

#include <string>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "base/direction.h"
#include "sinks/streams/file_names.h"

namespace flowstitch {

class StreamNames {
 public:
  StreamNames(std::string directory, NameTemplate names)
      : directory_(std::move(directory)), names_(std::move(names)) {}

  // Of a file that a writer will make of a name ("" for the flow file itself): a name is free when
  // none with one of these is there. Without any, the disk is not looked at.
  void AddEnding(std::string ending) { endings_.push_back(std::move(ending)); }

  // Fills `name` and `path` of the stream, if it has none yet.
  void Name(SinkFlow& flow, Direction direction) {
    if (flow.streams[direction].path.empty()) Choose(flow, direction);
  }
  // The name that it had before.
  void Restore(SinkFlow& flow, Direction direction, const std::string& name);

 private:
  void Choose(SinkFlow& flow, Direction direction);
  std::string PathOf(const std::string& name) const;
  bool Taken(const std::string& path) const;

  const std::string directory_;
  const NameTemplate names_;
  std::vector<std::string> endings_;
  // How many files of a name there were, by a hash of the name without its counter.
  absl::flat_hash_map<uint64_t, uint32_t> counters_;
};

}  // namespace flowstitch

#endif  // FLOWSTITCH_SINKS_STREAMS_STREAM_NAMES_H_
