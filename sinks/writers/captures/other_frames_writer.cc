#include "sinks/writers/captures/other_frames_writer.h"

#include "base/link_type.h"
#include "sinks/writers/captures/pcap_form.h"

namespace flowstitch {
namespace {

constexpr size_t kWriteBytes = 64 << 10;
// Link types that get a file; more would be a hostile pcapng.
constexpr size_t kMaxFiles = 64;

}  // namespace

OtherFramesWriter::One* OtherFramesWriter::FileFor(uint32_t link_type) {
  const auto it = files_.find(link_type);
  if (it != files_.end()) return &it->second;
  if (files_.size() >= kMaxFiles) return nullptr;
  const bool first = files_.empty();
  if (!first && path_ == "-") {
    status_ = absl::InvalidArgumentError(
        "frames of two link types do not fit into one capture on standard output: give -w a file");
    return nullptr;
  }
  One& one = files_[link_type];
  one.path = first ? path_ : PathForLinkType(path_, link_type);
  status_ = one.file.Open(one.path);
  if (status_.ok()) Append(&one, PcapFileHeader(link_type));
  return &one;
}

void OtherFramesWriter::Append(One* one, std::string_view bytes) {
  one->buffer += bytes;
  if (one->buffer.size() < kWriteBytes || !status_.ok()) return;
  status_ = one->file.Append(AsBytes(one->buffer));
  one->buffer.clear();
}

void OtherFramesWriter::OnFrame(SinkFlow* /*flow*/, const FrameRecord& frame) {
  if (frame.of_flow || !status_.ok()) return;
  One* one = FileFor(frame.link_type);
  if (one == nullptr || !status_.ok()) return;
  Append(one, PcapRecordHeader(frame));
  Append(one, AsText(frame.bytes));
}

void OtherFramesWriter::Flush() {
  for (auto& [type, one] : files_) {
    if (one.buffer.empty() || !status_.ok()) continue;
    status_ = one.file.Append(AsBytes(one.buffer));
    one.buffer.clear();
  }
}

void OtherFramesWriter::Finish() {
  if (files_.empty()) FileFor(kLinkEthernet);
  Flush();
  for (auto& [type, one] : files_) {
    if (status_.ok()) status_ = one.file.Commit(one.path);
  }
}

}  // namespace flowstitch
