#include "sinks/writers/conversation/conversation_writer.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "sinks/streams/find_index_line.h"

namespace flowstitch {

void ConversationWriter::OnBytes(SinkFlow& flow, Direction direction, uint64_t offset,
                                 ByteView bytes, TimeNs time_ns, BatchHold* /*hold*/) {
  if (max_bytes_ >= 0) {
    const auto limit = static_cast<uint64_t>(max_bytes_);
    bytes = bytes.first(offset >= limit ? 0 : std::min<size_t>(bytes.size(), limit - offset));
  }
  if (bytes.empty() || !status_.ok()) return;
  auto& slot = flow.states[slot_];
  if (slot == nullptr) {
    names_->Name(flow, kClientToServer);
    auto made = std::make_unique<State>(
        absl::StrCat(flow.streams[kClientToServer].path, kConversationEnding));
    if (digests_.any()) made->digests = std::make_unique<Digests>(digests_);
    ++ledger_->flow_files;
    slot = std::move(made);
  }
  State& state = *static_cast<State*>(slot.get());
  Note(state.file.Append(bytes));
  Note(state.index.Append(
      AsBytes(absl::StrCat(FindIndexLine(state.length, time_ns, bytes.size()), "|",
                           direction == kClientToServer ? "client" : "server", "\n"))));
  if (state.digests != nullptr) state.digests->Update(bytes);
  state.length += bytes.size();
  ledger_->file_bytes_written += bytes.size();
  waiting_.insert(&state);
}

void ConversationWriter::OnClosed(SinkFlow& flow) {
  if (flow.states[slot_] == nullptr) return;
  State& state = *static_cast<State*>(flow.states[slot_].get());
  Note(state.file.Finish(flow.first_time_ns));
  Note(state.index.Flush());
  waiting_.erase(&state);
  ConversationRecord record{state.file.path(), state.length, {}};
  if (state.digests != nullptr) record.digests = state.digests->Finish();
  records_->Conversation(flow, std::move(record));
}

void ConversationWriter::Flush() {
  for (State* state : waiting_) {
    Note(state->file.Flush());
    Note(state->index.Flush());
  }
  waiting_.clear();
}

}  // namespace flowstitch
