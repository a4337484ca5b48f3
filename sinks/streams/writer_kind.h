// A kind of writer: the options that ask for it, and how one is made for each worker. Each folder
// of sinks/writers/ has one; sinks/writer_list.cc names them all.
#ifndef FLOWSTITCH_SINKS_STREAMS_WRITER_KIND_H_
#define FLOWSTITCH_SINKS_STREAMS_WRITER_KIND_H_

#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "base/ledger.h"
#include "base/option_table.h"
#include "sinks/streams/digests.h"
#include "sinks/streams/stream_names.h"
#include "sinks/streams/writer.h"

namespace flowstitch {

class RecordHub;

// What a writer is made with. What is pointed to outlives it.
struct WriterContext {
  StreamNames* names = nullptr;
  SinkLedger* ledger = nullptr;
  RecordHub* records = nullptr;  // what the writer finds is told here
  size_t state = 0;              // its place in SinkFlow::states
  size_t worker = 0;             // which of this sink's
  bool first = false;            // of all workers of all shares: has what is there once only
  std::string directory;         // of the outputs
  bool flow_files = false;       // whether they are written
  DigestChoice digests;
  int64_t max_bytes = -1;  // of a stream that are written; -1: all
  // Its worker's share of what parsers, decoders and files under way may hold.
  size_t parser_bytes = 0;
  size_t decoder_bytes = 0;
  size_t piece_bytes = 0;
};

// What a kind may say of a whole run at its end.
struct RunInfo {
  std::string directory;
  std::vector<std::string> inputs;
};

class WriterKind {
 public:
  virtual ~WriterKind() = default;

  // Of -e and -x; empty: it has none.
  virtual std::string name() const { return ""; }
  // As -e and -x do.
  virtual void Want(bool /*on*/) {}
  virtual bool wanted() const = 0;
  // The options whose values it holds.
  virtual void AddOptions(OptionTable* /*table*/) {}
  // The one among them that asks for it; empty: it writes nothing without another writer.
  virtual std::string option() const { return ""; }

  // Whether its files stand in the place of flow files, unless both are asked for.
  virtual bool replaces_flow_files() const { return false; }

  // What it needs, where it is wanted.
  // Files in the output directory.
  virtual bool needs_directory() const { return true; }
  // All flows in one worker, in the order of their events.
  virtual bool needs_one_worker() const { return false; }
  // The frames that flows consist of, and those that became part of none.
  virtual bool needs_flow_frames() const { return false; }
  virtual bool needs_other_frames() const { return false; }
  // What it writes beside the flows' files: paths below `directory` or elsewhere, "-" for standard
  // output.
  virtual std::vector<std::string> OwnOutputs(const std::string& /*directory*/) const { return {}; }
  // What it reads while it works, and where it writes besides outputs.
  virtual void AddFiles(std::vector<std::string>* /*reads*/,
                        std::vector<std::string>* /*writes*/) const {}

  // A writer for one worker; null where that one has nothing to do.
  virtual std::unique_ptr<Writer> Make(const WriterContext& context) = 0;
  // Once all of its writers have finished.
  virtual absl::Status WriteEnd(const RunInfo& /*run*/) { return absl::OkStatus(); }
};

}  // namespace flowstitch

#endif  // FLOWSTITCH_SINKS_STREAMS_WRITER_KIND_H_
