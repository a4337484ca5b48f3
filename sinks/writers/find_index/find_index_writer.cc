#include "sinks/writers/find_index/find_index_writer.h"

#include <algorithm>

#include "sinks/streams/find_index_line.h"

namespace flowstitch {

void FindIndexWriter::OnBytes(SinkFlow& flow, Direction direction, uint64_t offset, ByteView bytes,
                              TimeNs time_ns, BatchHold* /*hold*/) {
  uint64_t length = bytes.size();
  if (max_bytes_ >= 0) {
    const auto limit = static_cast<uint64_t>(max_bytes_);
    length = offset >= limit ? 0 : std::min(length, limit - offset);
  }
  if (length == 0 || !status_.ok()) return;
  auto& state = flow.states[slot_];
  if (state == nullptr) state = std::make_unique<State>();
  auto& file = static_cast<State*>(state.get())->files[direction];
  if (file == nullptr) {
    file = std::make_unique<AppendFile>(flow.streams[direction].path + kFindIndexEnding);
  }
  Note(file->Append(AsBytes(FindIndexLine(offset, time_ns, length) + "\n")));
  waiting_.insert(file.get());
}

void FindIndexWriter::OnClosed(SinkFlow& flow) {
  if (flow.states[slot_] == nullptr) return;
  for (auto& file : static_cast<State*>(flow.states[slot_].get())->files) {
    if (file == nullptr) continue;
    Note(file->Flush());
    waiting_.erase(file.get());
  }
}

void FindIndexWriter::Flush() {
  for (AppendFile* file : waiting_) Note(file->Flush());
  waiting_.clear();
}

}  // namespace flowstitch
