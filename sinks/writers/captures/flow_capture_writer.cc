#include "sinks/writers/captures/flow_capture_writer.h"

#include "sinks/writers/captures/pcap_form.h"

namespace flowstitch {

// A reassembler that was started anew counts its flows from the beginning.
void FlowCaptureWriter::OnOpened(SinkFlow& flow) {
  const auto it = entries_.find(flow.id);
  if (it == entries_.end()) return;
  if (it->second->closed) closed_.erase(it->second->place);
  entries_.erase(it);
}

AppendFile& FlowCaptureWriter::FileOf(Entry* entry, const FrameRecord& frame) {
  auto& file = entry->files[{frame.direction, frame.link_type}];
  if (file != nullptr) return *file;
  const std::string path = entry->paths[frame.direction] + ".pcap";
  bool first = true;
  for (const auto& [key, other] : entry->files) {
    first = first && (key.first != frame.direction || other == nullptr);
  }
  file = std::make_unique<AppendFile>(first ? path : PathForLinkType(path, frame.link_type));
  ++ledger_->flow_files;
  Note(file->Append(AsBytes(PcapFileHeader(frame.link_type))));
  return *file;
}

void FlowCaptureWriter::OnFrame(SinkFlow* flow, const FrameRecord& frame) {
  if (!frame.of_flow || !status_.ok()) return;
  auto& entry = entries_[frame.flow_id];
  if (flow == nullptr && entry == nullptr) {
    // Of a flow that closed long ago, or was opened before this sink was there.
    entries_.erase(frame.flow_id);
    ledger_->refused_bytes += frame.bytes.size();
    return;
  }
  if (entry == nullptr) entry = std::make_unique<Entry>();
  std::string& path = entry->paths[frame.direction];
  if (path.empty()) {
    if (flow == nullptr) {  // the first frame of its direction, and too late for a name
      ledger_->refused_bytes += frame.bytes.size();
      return;
    }
    names_->Name(*flow, frame.direction);
    path = flow->streams[frame.direction].path;
  }
  AppendFile& file = FileOf(entry.get(), frame);
  Note(file.Append(AsBytes(PcapRecordHeader(frame))));
  Note(file.Append(frame.bytes));
  ledger_->file_bytes_written += frame.bytes.size();
  if (entry->closed) Note(file.Flush());
}

void FlowCaptureWriter::OnClosed(SinkFlow& flow) {
  const auto it = entries_.find(flow.id);
  if (it == entries_.end()) return;
  Entry& entry = *it->second;
  // A direction without frames may get its first one late.
  for (const Direction direction : kDirections) {
    if (!entry.paths[direction].empty()) continue;
    names_->Name(flow, direction);
    entry.paths[direction] = flow.streams[direction].path;
  }
  for (const auto& [key, file] : entry.files) {
    Note(file->Finish(flow.streams[static_cast<size_t>(key.first)].summary.first_time_ns));
  }
  entry.closed = true;
  entry.place = closed_.insert(closed_.end(), flow.id);
  if (closed_.size() <= kMaxClosed) return;
  entries_.erase(closed_.front());
  closed_.pop_front();
}

void FlowCaptureWriter::Flush() {
  for (const auto& [id, entry] : entries_) {
    if (entry->closed) continue;
    for (const auto& [key, file] : entry->files) Note(file->Flush());
  }
}

}  // namespace flowstitch
