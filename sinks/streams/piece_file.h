// A file that grows by pieces and may have holes: pieces are collected and written with an open, a
// write and a close, so that any number of such files needs no descriptors. It is written under its
// final name, or beside it and renamed.
#ifndef FLOWSTITCH_SINKS_STREAMS_PIECE_FILE_H_
#define FLOWSTITCH_SINKS_STREAMS_PIECE_FILE_H_

#include <functional>
#include <string>

#include "absl/status/status.h"
#include "base/bytes.h"
#include "base/capture_time.h"

namespace flowstitch {

// Bytes that the files of one thread keep back. Above the limit they are written at once.
class PieceMemory {
 public:
  static constexpr size_t kMaxBytes = size_t{256} << 20;
  explicit PieceMemory(size_t limit_bytes = kMaxBytes) : limit_bytes_(limit_bytes) {}
  void Add(size_t bytes) { used_ += bytes; }
  void Remove(size_t bytes) { used_ -= bytes; }
  bool full() const { return used_ >= limit_bytes_; }

 private:
  const size_t limit_bytes_;
  size_t used_ = 0;
};

class PieceFile {
 public:
  // `memory` outlives the file. Nothing is on the disk before the first write.
  explicit PieceFile(PieceMemory* memory) : memory_(memory) {}
  ~PieceFile();
  PieceFile(const PieceFile&) = delete;
  PieceFile& operator=(const PieceFile&) = delete;

  // The path it is written under, and how much of it is kept back at the most. With `keep` it stays
  // when it is never committed.
  void Begin(std::string path, size_t keep_bytes, bool keep = false);
  bool begun() const { return !path_.empty(); }

  absl::Status Append(ByteView bytes);
  // Leaves `count` bytes unwritten, as a hole.
  void Skip(uint64_t count);
  uint64_t size() const { return size_; }
  // Forgets what there is, and begins anew.
  absl::Status Truncate();
  absl::Status Flush();
  // All of it from the start, piece by piece.
  absl::Status ReadBack(const std::function<absl::Status(ByteView)>& taker);
  // Writes what is kept back, gives it its time, and its final name (which may be the one it has).
  absl::Status Commit(const std::string& path, TimeNs time_ns);
  void Discard();

 private:
  absl::Status Write(ByteView bytes);
  absl::Status Open(int* fd);
  void Forget();

  PieceMemory* const memory_;
  std::string path_;
  size_t keep_bytes_ = 0;
  bool keep_ = false;
  bool created_ = false;
  std::string buffer_;  // kept back, from buffer_at_ on
  uint64_t buffer_at_ = 0;
  uint64_t size_ = 0;
  absl::Status pending_;  // of a write that nobody was told of yet
};

}  // namespace flowstitch

#endif  // FLOWSTITCH_SINKS_STREAMS_PIECE_FILE_H_
