// Frames that wait on the disk for a reassembler that is away: pcap files that any tool reads,
// taken back in the order in which they came. A file goes when the reassembler has acknowledged
// what was in it, so a killed capture leaves behind what it may not have delivered, and the next
// one of that name delivers it first.
#ifndef FLOWSTITCH_CAPTURE_FILES_SPOOL_H_
#define FLOWSTITCH_CAPTURE_FILES_SPOOL_H_

#include <cstdint>
#include <cstdio>
#include <deque>
#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "base/durability.h"
#include "base/frame.h"
#include "capture/files/capture_file.h"

namespace flowstitch {

struct SpoolOptions {
  std::string directory;
  std::string name;  // begins the files' names; '/' becomes '_'
  uint64_t size_bytes = uint64_t{1} << 30;
  uint64_t file_bytes = uint64_t{64} << 20;  // then the next file is begun
  Durability durable = Durability::kOff;     // a file is a segment; a commit is every 100 ms
};

class Spool {
 public:
  // Makes the directory where it is not there, and finds what an earlier process left.
  static absl::StatusOr<std::unique_ptr<Spool>> Open(const SpoolOptions& options);
  ~Spool();
  Spool(const Spool&) = delete;
  Spool& operator=(const Spool&) = delete;

  // Behind all others. False when there is no room, or the disk failed (status() says how): the
  // frame is not there.
  bool Append(const Frame& frame);
  // What was appended is with the system: a killed process does not lose it.
  void Flush(int64_t now_ns);
  // The oldest frame; its bytes are valid until the next call. False when there is none. Those of a
  // damaged file that cannot be read are counted as lost.
  bool Next(Frame* frame);
  // Whether Next would give a frame.
  bool empty() const { return frames_ == 0; }

  // What Next has given so far is in messages up to `sequence`.
  void Handed(uint64_t sequence);
  // The files of which all was acknowledged are deleted.
  void Acknowledged(uint64_t sequence);

  uint64_t frames() const { return frames_; }
  uint64_t bytes() const { return bytes_; }
  // Found when it was opened.
  uint64_t found_frames() const { return found_frames_; }
  uint64_t lost_frames() const { return lost_frames_; }
  // The first failure of the disk.
  const absl::Status& status() const { return status_; }

 private:
  struct File {
    std::string path;
    uint64_t frames = 0;  // not given by Next so far
    uint64_t bytes = 0;
  };
  struct Given {
    std::string path;
    uint64_t bytes = 0;
    uint64_t sequence = 0;  // 0: not handed over so far
  };

  explicit Spool(SpoolOptions options) : options_(std::move(options)) {}
  absl::Status FindLeft();
  bool BeginFile(uint32_t link_type);
  void EndFile();
  void Sync();
  bool Failed(const std::string& path);
  void GiveUpReading();

  const SpoolOptions options_;
  std::deque<File> files_;   // oldest first; the last one is written while `out_` is open
  std::deque<Given> given_;  // read to their ends
  std::FILE* out_ = nullptr;
  uint32_t out_link_type_ = 0;
  uint64_t synced_bytes_ = 0;  // of the file that is written
  int64_t synced_ns_ = 0;
  uint64_t next_number_ = 1;
  std::unique_ptr<CaptureFile> reading_;  // files_.front()
  uint64_t frames_ = 0;
  uint64_t bytes_ = 0;  // on the disk, with those given and not deleted
  uint64_t found_frames_ = 0;
  uint64_t lost_frames_ = 0;
  absl::Status status_;
};

}  // namespace flowstitch

#endif  // FLOWSTITCH_CAPTURE_FILES_SPOOL_H_
