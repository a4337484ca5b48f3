// Flow files: one file a stream, tcpflow's names and times, gaps as holes. Bytes are not copied:
// they stay in their batch until enough have come together for one write, until the flow closes, or
// until the batch has to be acknowledged. A small flow costs one open, one write and one close.
#ifndef FLOWSTITCH_SINKS_WRITERS_FLOW_FILES_FLOW_FILE_WRITER_H_
#define FLOWSTITCH_SINKS_WRITERS_FLOW_FILES_FLOW_FILE_WRITER_H_

#include <deque>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/status/statusor.h"
#include "base/direction.h"
#include "base/ledger.h"
#include "sinks/records/record_hub.h"
#include "sinks/streams/digests.h"
#include "sinks/streams/stream_names.h"
#include "sinks/streams/writer.h"
#include "sinks/writers/flow_files/descriptor_cache.h"

namespace flowstitch {

struct FlowFileOptions {
  bool write = true;  // false: names and digests only
  DigestChoice digests;
  int64_t max_bytes = -1;  // of one file; -1: no limit
  size_t max_descriptors = 512;
  size_t write_from_bytes = 256 << 10;   // so much of one stream is written at once
  size_t keep_bytes = size_t{64} << 20;  // of all streams together: beyond it WriteOldest writes
};

class FlowFileWriter : public Writer {
 public:
  // `names`, `records` and `ledger` outlive the writer.
  FlowFileWriter(const FlowFileOptions& options, StreamNames* names, size_t state_slot,
                 RecordHub* records, SinkLedger* ledger);
  ~FlowFileWriter() override;

  void OnBytes(SinkFlow& flow, Direction direction, uint64_t offset, ByteView bytes, TimeNs time_ns,
               BatchHold* hold) override;
  void OnClosed(SinkFlow& flow) override;

  // The stream goes on at `offset` with the file that an earlier sink wrote; the bytes before are
  // in it.
  void Resume(SinkFlow& flow, Direction direction, uint64_t offset);
  // Writes what has waited longest, until no more than keep_bytes wait.
  void WriteOldest();
  // Writes everything that holds a batch up to and with `number`.
  void WriteThrough(uint64_t number);

  // The first failure; after it nothing is written any more.
  std::vector<std::string> Endings() const override;
  absl::Status status() const override { return status_; }

 private:
  struct Piece {
    BatchHold* hold;
    ByteView bytes;
    uint64_t offset;
  };
  struct File {
    SinkStream* stream = nullptr;
    bool begun = false;  // bytes have come
    CachedDescriptor descriptor;
    bool created = false;
    std::vector<Piece> pieces;
    size_t piece_bytes = 0;
    std::unique_ptr<Digests> digests;
    uint64_t digested = 0;  // stream offset up to which they went; MD5 has its own when pieces wait
    uint64_t md5_end = 0;   // stream offset up to which MD5 went
    size_t md5_piece = 0;   // the first piece that it has not had all of
    bool md5_waits = false;  // it is among md5_waiting_
    uint64_t end = 0;        // of the last byte: the file's length
  };
  struct State : WriterState {
    File files[2];
  };
  // A file with pieces that MD5 has not had.
  struct Md5Waiting {
    uint64_t flow_id = 0;
    State* state = nullptr;
    Direction direction = kClientToServer;
  };
  class PiecesFeed;
  struct Waiting {
    uint64_t number;  // of the batch of its first piece
    uint64_t flow_id;
    State* state;
    Direction direction;
  };

  File& FileOf(SinkFlow& flow, Direction direction);
  void Begin(SinkFlow& flow, Direction direction, File* file);
  absl::Status OpenFile(File* file);
  absl::Status WritePieces(File* file);
  absl::StatusOr<size_t> WriteRun(File* file, size_t first);
  void Write(File* file);
  // MD5 of a file's pieces, and of others' beside it.
  void DigestPieces(File* file);
  void NoteMd5(SinkFlow& flow, Direction direction, File* file);
  bool digests_pieces() const { return options_.digests.md5 && options_.write; }
  void CloseFile(SinkFlow& flow, Direction direction);
  bool CompleteFile(File* file);
  StreamFileRecord RecordOf(const SinkStream& stream) const;
  bool IsStale(const Waiting& entry) const;

  const FlowFileOptions options_;
  StreamNames* const names_;
  const size_t slot_;
  RecordHub* const records_;
  SinkLedger* const ledger_;
  DescriptorCache cache_;
  // Files with pieces, by the batch of their first one. Entries may be stale: a file that was
  // written since then is not looked at.
  std::deque<Waiting> waiting_;
  size_t waiting_bytes_ = 0;  // of all pieces
  // Oldest first; entries may be stale.
  std::deque<Md5Waiting> md5_waiting_;
  absl::flat_hash_map<uint64_t, State*> open_states_;
  absl::Status status_;
};

}  // namespace flowstitch

#endif  // FLOWSTITCH_SINKS_WRITERS_FLOW_FILES_FLOW_FILE_WRITER_H_
