#include "sinks/writers/flow_files/flow_file_writer.h"

#include <fcntl.h>
#include <limits.h>
#include <sys/uio.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <utility>

#include "sinks/streams/output_files.h"
#include "sinks/streams/safe_file.h"

namespace flowstitch {
namespace {

constexpr std::array<uint8_t, 4096> kZeros = {};

}  // namespace

FlowFileWriter::FlowFileWriter(const FlowFileOptions& options, StreamNames* names,
                               size_t state_slot, RecordHub* records, SinkLedger* ledger)
    : options_(options),
      names_(names),
      slot_(state_slot),
      records_(records),
      ledger_(ledger),
      cache_(options.max_descriptors) {}

FlowFileWriter::~FlowFileWriter() {
  while (cache_.CloseOldest()) {
  }
}

FlowFileWriter::File& FlowFileWriter::FileOf(SinkFlow& flow, Direction direction) {
  auto& state = flow.states[slot_];
  if (state == nullptr) {
    auto made = std::make_unique<State>();
    for (const Direction d : kDirections) {
      made->files[d].stream = &flow.streams[d];
    }
    open_states_[flow.id] = made.get();
    state = std::move(made);
  }
  return static_cast<State*>(state.get())->files[direction];
}

void FlowFileWriter::Begin(SinkFlow& flow, Direction direction, File* file) {
  file->begun = true;
  names_->Name(flow, direction);
  file->created = file->stream->restored && access(file->stream->path.c_str(), F_OK) == 0;
  if (options_.digests.any()) file->digests = std::make_unique<Digests>(options_.digests);
}

void FlowFileWriter::Resume(SinkFlow& flow, Direction direction, uint64_t offset) {
  File& file = FileOf(flow, direction);
  Begin(flow, direction, &file);
  file.end = offset;
  if (file.digests == nullptr) return;
  const absl::Status status =
      ReadPrefix(file.stream->path, offset, [&file](uint64_t at, ByteView bytes) {
        file.digests->UpdateZeros(at - file.digested);
        file.digests->Update(bytes);
        file.digested = at + bytes.size();
      });
  file.md5_end = file.digested;
  if (status_.ok()) status_ = status;
}

std::vector<std::string> FlowFileWriter::Endings() const {
  return options_.write ? std::vector<std::string>{""} : std::vector<std::string>{};
}

void FlowFileWriter::OnBytes(SinkFlow& flow, Direction direction, uint64_t offset, ByteView bytes,
                             TimeNs /*time_ns*/, BatchHold* hold) {
  File& file = FileOf(flow, direction);
  if (!file.begun) Begin(flow, direction, &file);
  if (options_.max_bytes >= 0) {
    const auto limit = static_cast<uint64_t>(options_.max_bytes);
    if (offset >= limit) return;
    bytes = bytes.first(std::min<size_t>(bytes.size(), limit - offset));
  }
  file.end = offset + bytes.size();
  if (file.digests != nullptr) {
    // A gap reads as zeros, once bytes follow it: one at the end does not lengthen the file.
    if (digests_pieces()) {
      file.digests->UpdateOthersZeros(offset - file.digested);
      file.digests->UpdateOthers(bytes);
    } else {
      file.digests->UpdateZeros(offset - file.digested);
      file.digests->Update(bytes);
    }
    file.digested = file.end;
  }
  if (!options_.write || !status_.ok() || bytes.empty()) return;
  ++hold->holds;
  if (file.pieces.empty()) {
    waiting_.push_back(
        {hold->number, flow.id, static_cast<State*>(flow.states[slot_].get()), direction});
  }
  file.pieces.push_back({hold, bytes, offset});
  file.piece_bytes += bytes.size();
  waiting_bytes_ += bytes.size();
  if (digests_pieces()) NoteMd5(flow, direction, &file);
  if (file.piece_bytes >= options_.write_from_bytes) Write(&file);
}

absl::Status FlowFileWriter::OpenFile(File* file) {
  if (file->descriptor.fd >= 0) {
    cache_.Touch(&file->descriptor);
    return absl::OkStatus();
  }
  const std::string& path = file->stream->path;
  const int flags = O_WRONLY | (file->created ? 0 : O_CREAT | O_EXCL);
  int fd = OpenOutput(path, flags);
  while (fd < 0 && (errno == EMFILE || errno == ENFILE) && cache_.CloseOldest()) {
    fd = OpenOutput(path, flags);
  }
  if (fd < 0 && errno == ENOENT && !file->created) {
    if (const absl::Status status = MakeParentDirectories(path); !status.ok()) return status;
    fd = OpenOutput(path, flags);
  }
  if (fd < 0) return FileError(file->created ? "open" : "create", path);
  if (!file->created) {
    ++ledger_->flow_files;
    records_->StreamFileBegun(path);
  }
  file->created = true;
  file->descriptor.fd = fd;
  file->descriptor.path = &path;
  cache_.Add(&file->descriptor);
  return cache_.failure();
}

// Pieces from `first` on, as many as one call takes; returns where the next begins. A short gap is
// written as the zeros that it reads as: a call a piece costs more where each segment was cut.
absl::StatusOr<size_t> FlowFileWriter::WriteRun(File* file, size_t first) {
  const auto& pieces = file->pieces;
  const uint64_t offset = pieces[first].offset;
  iovec parts[IOV_MAX];
  int count = 0;
  uint64_t end = offset;
  uint64_t bytes = 0;
  size_t last = first;
  for (; last < pieces.size() && count + 2 <= IOV_MAX; ++last) {
    const Piece& piece = pieces[last];
    const uint64_t gap = piece.offset - end;
    if (piece.offset < end || gap > kZeros.size()) break;
    if (gap > 0) parts[count++] = {const_cast<uint8_t*>(kZeros.data()), gap};
    parts[count++] = {const_cast<uint8_t*>(piece.bytes.data()), piece.bytes.size()};
    end = piece.offset + piece.bytes.size();
    bytes += piece.bytes.size();
  }
  const ssize_t n = pwritev(file->descriptor.fd, parts, count, static_cast<off_t>(offset));
  if (n < 0 && errno != EINTR) return FileError("write", file->stream->path);
  ledger_->file_bytes_written += bytes;
  const uint64_t written = offset + (n < 0 ? 0 : static_cast<uint64_t>(n));
  if (written == end) return last;
  // A short write: the rest, piece by piece.
  for (size_t i = first; i < last; ++i) {
    const Piece& piece = pieces[i];
    if (piece.offset + piece.bytes.size() <= written) continue;
    const size_t skip = written > piece.offset ? written - piece.offset : 0;
    const absl::Status status = WriteAt(file->descriptor.fd, piece.bytes.subspan(skip),
                                        piece.offset + skip, file->stream->path);
    if (!status.ok()) return status;
  }
  return last;
}

absl::Status FlowFileWriter::WritePieces(File* file) {
  if (const absl::Status status = OpenFile(file); !status.ok()) return status;
  for (size_t next = 0; next < file->pieces.size();) {
    const auto end = WriteRun(file, next);
    if (!end.ok()) return end.status();
    next = *end;
  }
  return absl::OkStatus();
}

// A file's pieces from where its MD5 stands.
class FlowFileWriter::PiecesFeed : public Md5Feed {
 public:
  // `entry`: its place among those that wait.
  PiecesFeed(File* file, const Md5Waiting& entry) : file_(file), entry_(entry) {}

  Md5* md5() override { return file_->digests->md5(); }

  ByteView Next() override {
    if (file_->md5_piece == file_->pieces.size()) return {};
    const Piece& piece = file_->pieces[file_->md5_piece];
    if (file_->md5_end < piece.offset) {  // a gap reads as zeros
      const auto n = std::min<uint64_t>(piece.offset - file_->md5_end, kZeros.size());
      file_->md5_end += n;
      return {kZeros.data(), static_cast<size_t>(n)};
    }
    const ByteView rest = piece.bytes.subspan(file_->md5_end - piece.offset);
    file_->md5_end += rest.size();
    ++file_->md5_piece;
    return rest;
  }

  void PutBack(size_t size) override {
    file_->md5_end -= size;
    while (file_->md5_piece > 0) {
      const Piece& before = file_->pieces[file_->md5_piece - 1];
      if (file_->md5_end >= before.offset + before.bytes.size()) break;
      --file_->md5_piece;
    }
  }

  const Md5Waiting& entry() const { return entry_; }

 private:
  File* file_;
  Md5Waiting entry_;
};

void FlowFileWriter::NoteMd5(SinkFlow& flow, Direction direction, File* file) {
  if (file->md5_waits) return;
  file->md5_waits = true;
  md5_waiting_.push_back({flow.id, static_cast<State*>(flow.states[slot_].get()), direction});
}

void FlowFileWriter::DigestPieces(File* file) {
  if (file->md5_piece == file->pieces.size()) return;  // taken along with others
  std::deque<PiecesFeed> others;                       // that are taken along
  const auto other = [&]() -> Md5Feed* {
    while (!md5_waiting_.empty()) {
      const Md5Waiting entry = md5_waiting_.front();
      md5_waiting_.pop_front();
      const auto it = open_states_.find(entry.flow_id);
      if (it == open_states_.end() || it->second != entry.state) continue;
      File& waiting = entry.state->files[entry.direction];
      waiting.md5_waits = false;
      if (&waiting == file || waiting.md5_piece == waiting.pieces.size()) continue;
      return &others.emplace_back(&waiting, entry);
    }
    return nullptr;
  };
  // Back in front: the next time, after the lanes have run, so that none is asked for twice.
  std::vector<Md5Waiting> left;
  const auto done = [&left](Md5Feed* feed, bool all) {
    if (!all) left.push_back(static_cast<PiecesFeed*>(feed)->entry());
  };
  PiecesFeed own(file, {});
  Md5Lanes::Run(&own, other, done);
  for (const Md5Waiting& entry : left) {
    entry.state->files[entry.direction].md5_waits = true;
    md5_waiting_.push_front(entry);
  }
}

void FlowFileWriter::Write(File* file) {
  if (file->pieces.empty() || !status_.ok()) return;
  if (digests_pieces()) DigestPieces(file);
  const absl::Status status = WritePieces(file);
  if (!status.ok()) {
    status_ = status;  // the batches stay held, so that they are never acknowledged
    return;
  }
  for (const Piece& piece : file->pieces) --piece.hold->holds;
  file->pieces.clear();
  file->md5_piece = 0;
  waiting_bytes_ -= file->piece_bytes;
  file->piece_bytes = 0;
}

void FlowFileWriter::WriteOldest() {
  while (waiting_bytes_ > options_.keep_bytes && !waiting_.empty() && status_.ok()) {
    const Waiting entry = waiting_.front();
    waiting_.pop_front();
    if (!IsStale(entry)) Write(&entry.state->files[entry.direction]);
  }
}

bool FlowFileWriter::IsStale(const Waiting& entry) const {
  const auto it = open_states_.find(entry.flow_id);
  if (it == open_states_.end() || it->second != entry.state) return true;
  const auto& pieces = entry.state->files[entry.direction].pieces;
  return pieces.empty() || pieces.front().hold->number != entry.number;
}

void FlowFileWriter::WriteThrough(uint64_t number) {
  while (!waiting_.empty() && status_.ok()) {
    const Waiting entry = waiting_.front();
    const bool stale = IsStale(entry);
    // A stale entry goes whatever its number: a restarted reassembler counts from 1 again.
    if (!stale && entry.number > number) return;
    waiting_.pop_front();
    if (!stale) Write(&entry.state->files[entry.direction]);
  }
}

// Whether it was made, and is all there.
bool FlowFileWriter::CompleteFile(File* file) {
  if (!file->created) return false;
  if (const absl::Status status = OpenFile(file); !status.ok()) {
    status_.Update(status);
    return false;
  }
  SetFileTimes(file->descriptor.fd, file->stream->summary.first_time_ns);
  status_.Update(SyncComplete(file->descriptor.fd, file->stream->path));
  cache_.Close(&file->descriptor);
  status_.Update(cache_.failure());
  return status_.ok();
}

StreamFileRecord FlowFileWriter::RecordOf(const SinkStream& stream) const {
  StreamFileRecord record;
  record.bytes = stream.length;
  if (options_.max_bytes >= 0) {
    record.bytes = std::min(record.bytes, static_cast<uint64_t>(options_.max_bytes));
  }
  if (options_.write && options_.max_bytes != 0 && stream.bytes > 0) record.path = stream.path;
  return record;
}

void FlowFileWriter::CloseFile(SinkFlow& flow, Direction direction) {
  File& file = FileOf(flow, direction);
  if (!file.begun) return;
  Write(&file);
  StreamFileRecord record = RecordOf(*file.stream);
  if (file.digests != nullptr) record.digests = file.digests->Finish();
  record.there = CompleteFile(&file);
  records_->StreamFile(flow, direction, std::move(record));
}

void FlowFileWriter::OnClosed(SinkFlow& flow) {
  for (const Direction direction : kDirections) {
    if (flow.states[slot_] != nullptr) CloseFile(flow, direction);
  }
  // A failure leaves pieces that hold their batches; the state lives on with the flow until the
  // end.
  open_states_.erase(flow.id);
}

}  // namespace flowstitch
