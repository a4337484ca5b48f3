// A sink that is killed leaves files of flows that go on. Its journal says which: what opened them,
// and their names. The next sink of that name in that directory goes on with them.
#ifndef FLOWSTITCH_SINKS_SINK_JOURNAL_H_
#define FLOWSTITCH_SINKS_SINK_JOURNAL_H_

#include <cstdint>
#include <optional>
#include <string>

#include "absl/container/flat_hash_map.h"
#include "absl/status/status.h"
#include "base/direction.h"
#include "proto/sink_journal.pb.h"

namespace flowstitch {

struct JournaledFlow {
  uint64_t epoch = 0;  // of the reassembler that told of it
  wire::FlowOpened opened;
  std::optional<wire::DirectionVlans> vlans;
  std::string names[2];  // by direction; empty: no byte had come
  bool closed = false;   // its last batches may come again all the same
};
using JournaledFlows = absl::flat_hash_map<uint64_t, JournaledFlow>;

// Where worker number `worker` of sink `name` keeps its journal.
std::string JournalPath(const std::string& directory, const std::string& name, size_t worker);
// All that the sinks of that name left in the directory. What cannot be read is passed over: the
// end of a file may be cut.
JournaledFlows ReadJournals(const std::string& directory, const std::string& name);
void RemoveJournals(const std::string& directory, const std::string& name);

// One worker's journal. Entries are with the system before what they tell of is written.
class SinkJournal {
 public:
  // Goes on behind what is there; made with the first entry. An empty path: none is kept.
  explicit SinkJournal(std::string path) : path_(std::move(path)) {}
  ~SinkJournal();
  SinkJournal(const SinkJournal&) = delete;
  SinkJournal& operator=(const SinkJournal&) = delete;
  bool kept() const { return !path_.empty(); }

  void Opened(uint64_t epoch, const wire::FlowOpened& flow);
  void Vlans(const wire::DirectionVlans& vlans);
  void Named(uint64_t flow, Direction direction, const std::string& name);
  void Closed(uint64_t flow);
  // Hands over what was added; to be called before files are written.
  absl::Status Flush();

 private:
  void Add(const wire::JournalEntry& entry);
  absl::Status Open();
  absl::Status Rotate();

  // Then a new file is begun with the open flows, and the one before is kept: what closed lately
  // may come again.
  static constexpr size_t kRotateBytes = size_t{32} << 20;

  const std::string path_;
  int fd_ = -1;
  size_t bytes_ = 0;
  bool rotating_ = false;
  std::string pending_;
  JournaledFlows open_;
};

}  // namespace flowstitch

#endif  // FLOWSTITCH_SINKS_SINK_JOURNAL_H_
