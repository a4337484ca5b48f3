#include "tests/examples/ports/ports_kind.h"

#include "absl/strings/str_cat.h"
#include "sinks/streams/safe_file.h"

namespace flowstitch {
namespace {

// One worker's part.
class PortsWriter : public Writer {
 public:
  explicit PortsWriter(PortsWriterKind* kind) : kind_(kind) {}
  void OnBytes(SinkFlow& flow, Direction /*direction*/, uint64_t /*offset*/, ByteView bytes,
               TimeNs /*time_ns*/, BatchHold* /*hold*/) override {
    bytes_[flow.server.port] += bytes.size();
  }
  void Finish() override { kind_->Add(bytes_); }

 private:
  PortsWriterKind* const kind_;
  PortsWriterKind::BytesByPort bytes_;
};

}  // namespace

void PortsWriterKind::AddOptions(OptionTable* table) {
  table->Add(
      {option(), "", "Write ports.txt: payload bytes by the server's port.", FlagOption{&wanted_}});
}

std::vector<std::string> PortsWriterKind::OwnOutputs(const std::string& directory) const {
  return {absl::StrCat(directory, "/ports.txt")};
}

std::unique_ptr<Writer> PortsWriterKind::Make(const WriterContext& /*context*/) {
  if (!wanted_) return nullptr;
  return std::make_unique<PortsWriter>(this);
}

void PortsWriterKind::Add(const BytesByPort& bytes) {
  const std::lock_guard<std::mutex> lock(mutex_);
  for (const auto& [port, count] : bytes) all_[port] += count;
}

absl::Status PortsWriterKind::WriteEnd(const RunInfo& run) {
  if (!wanted_) return absl::OkStatus();
  std::string lines;
  for (const auto& [port, count] : all_) absl::StrAppend(&lines, port, " ", count, "\n");
  const std::string path = OwnOutputs(run.directory).front();
  PartFile file;
  if (const absl::Status opened = file.Open(path); !opened.ok()) return opened;
  if (const absl::Status written = file.Append(AsBytes(lines)); !written.ok()) return written;
  return file.Commit(path);
}

}  // namespace flowstitch
