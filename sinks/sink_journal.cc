#include "sinks/sink_journal.h"

#include <fcntl.h>
#include <google/protobuf/io/zero_copy_stream_impl.h>
#include <google/protobuf/io/zero_copy_stream_impl_lite.h>
#include <google/protobuf/util/delimited_message_util.h>
#include <unistd.h>

#include <filesystem>
#include <system_error>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "sinks/streams/output_files.h"
#include "sinks/streams/safe_file.h"

namespace flowstitch {
namespace {

namespace fs = std::filesystem;

constexpr char kEnding[] = ".journal";
constexpr char kOldEnding[] = ".journal-old";

std::string Stem(const std::string& name) {
  return absl::StrCat(".flowstitch.", absl::StrReplaceAll(name, {{"/", "_"}}), ".");
}

template <typename Take>
void ForEachJournal(const std::string& directory, const std::string& name, const Take& take) {
  const std::string stem = Stem(name);
  std::error_code error;
  for (fs::directory_iterator it(directory, error), end; !error && it != end; it.increment(error)) {
    const std::string file = it->path().filename().string();
    if (absl::StartsWith(file, stem) &&
        (absl::EndsWith(file, kEnding) || absl::EndsWith(file, kOldEnding))) {
      take(it->path());
    }
  }
}

// A name that a sink gave stays inside of its directory.
bool IsOurs(const std::string& name) {
  return !name.empty() && name.front() != '/' && !absl::StrContains("/" + name + "/", "/../");
}

void Take(const wire::JournalEntry& entry, JournaledFlows* flows) {
  switch (entry.entry_case()) {
    case wire::JournalEntry::kOpened: {
      JournaledFlow& flow = (*flows)[entry.opened().flow().flow()];
      flow.epoch = entry.opened().reassembler_epoch();
      flow.opened = entry.opened().flow();
      break;
    }
    case wire::JournalEntry::kNamed: {
      const bool server = entry.named().direction() == wire::SERVER_TO_CLIENT;
      if (IsOurs(entry.named().name())) {
        (*flows)[entry.named().flow()].names[server ? 1 : 0] = entry.named().name();
      }
      break;
    }
    case wire::JournalEntry::kVlans:
      (*flows)[entry.vlans().flow()].vlans = entry.vlans();
      break;
    case wire::JournalEntry::kClosed:
      (*flows)[entry.closed()].closed = true;
      break;
    case wire::JournalEntry::ENTRY_NOT_SET:
      break;
  }
}

}  // namespace

std::string JournalPath(const std::string& directory, const std::string& name, size_t worker) {
  return absl::StrCat(directory, "/", Stem(name), worker, kEnding);
}

JournaledFlows ReadJournals(const std::string& directory, const std::string& name) {
  JournaledFlows flows;
  ForEachJournal(directory, name, [&flows](const fs::path& path) {
    const int fd = OpenOutput(path.string(), O_RDONLY);
    if (fd < 0) return;
    google::protobuf::io::FileInputStream stream(fd);
    stream.SetCloseOnDelete(true);
    wire::JournalEntry entry;
    bool at_end = false;
    while (google::protobuf::util::ParseDelimitedFromZeroCopyStream(&entry, &stream, &at_end)) {
      Take(entry, &flows);
    }
  });
  // Only what is known whole.
  absl::erase_if(flows, [](const auto& pair) { return pair.second.epoch == 0; });
  return flows;
}

void RemoveJournals(const std::string& directory, const std::string& name) {
  ForEachJournal(directory, name, [](const fs::path& path) { RemoveOutput(path.string()); });
}

absl::Status SinkJournal::Open() {
  fd_ = OpenOutput(path_, O_WRONLY | O_CREAT | O_APPEND, 0600);
  return fd_ < 0 ? FileError("create", path_) : absl::OkStatus();
}

SinkJournal::~SinkJournal() {
  if (fd_ >= 0) close(fd_);
}

void SinkJournal::Add(const wire::JournalEntry& entry) {
  google::protobuf::io::StringOutputStream out(&pending_);
  google::protobuf::util::SerializeDelimitedToZeroCopyStream(entry, &out);
}

void SinkJournal::Opened(uint64_t epoch, const wire::FlowOpened& flow) {
  if (!kept()) return;
  wire::JournalEntry entry;
  entry.mutable_opened()->set_reassembler_epoch(epoch);
  *entry.mutable_opened()->mutable_flow() = flow;
  Add(entry);
  Take(entry, &open_);
}

void SinkJournal::Vlans(const wire::DirectionVlans& vlans) {
  if (!kept()) return;
  wire::JournalEntry entry;
  *entry.mutable_vlans() = vlans;
  Add(entry);
  Take(entry, &open_);
}

void SinkJournal::Named(uint64_t flow, Direction direction, const std::string& name) {
  if (!kept()) return;
  wire::JournalEntry entry;
  entry.mutable_named()->set_flow(flow);
  entry.mutable_named()->set_direction(direction == kClientToServer ? wire::CLIENT_TO_SERVER
                                                                    : wire::SERVER_TO_CLIENT);
  entry.mutable_named()->set_name(name);
  Add(entry);
  Take(entry, &open_);
}

void SinkJournal::Closed(uint64_t flow) {
  if (!kept()) return;
  wire::JournalEntry entry;
  entry.set_closed(flow);
  Add(entry);
  open_.erase(flow);
}

absl::Status SinkJournal::Flush() {
  if (pending_.empty()) return absl::OkStatus();
  if (fd_ < 0) {
    if (const absl::Status status = Open(); !status.ok()) return status;
  }
  const char* at = pending_.data();
  size_t left = pending_.size();
  while (left > 0) {
    const ssize_t n = write(fd_, at, left);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return FileError("write", path_);
    at += n;
    left -= static_cast<size_t>(n);
  }
  bytes_ += pending_.size();
  pending_.clear();
  return bytes_ < kRotateBytes || rotating_ ? absl::OkStatus() : Rotate();
}

absl::Status SinkJournal::Rotate() {
  const std::string old = path_.substr(0, path_.size() - (sizeof(kEnding) - 1)) + kOldEnding;
  if (RenameOutput(path_, old) != 0) return FileError("write", old);
  if (close(std::exchange(fd_, -1)) != 0) return FileError("write", old);
  bytes_ = 0;
  if (const absl::Status status = Open(); !status.ok()) return status;
  const JournaledFlows open = std::move(open_);
  open_.clear();
  for (const auto& [id, flow] : open) {
    Opened(flow.epoch, flow.opened);
    if (flow.vlans) Vlans(*flow.vlans);
    for (const Direction d : kDirections) {
      if (!flow.names[d].empty()) Named(id, d, flow.names[d]);
    }
  }
  // Very many open flows may fill a file by themselves.
  rotating_ = true;
  const absl::Status status = Flush();
  rotating_ = false;
  bytes_ = 0;
  return status;
}

}  // namespace flowstitch
