// What is known of each source beside its frames: the figures that it told, in which epoch, and
// what this reassembler counted of it. A source that was restarted keeps a line for each of its
// epochs.
#ifndef FLOWSTITCH_REASSEMBLER_SOURCE_BOOKS_H_
#define FLOWSTITCH_REASSEMBLER_SOURCE_BOOKS_H_

#include <cstdint>
#include <string>
#include <vector>

#include "proto/ledger.pb.h"
#include "reassembler/flows/reassembler.h"
#include "reassembler/sources/source_merger.h"
#include "transport/link/link_receiver.h"
#include "transport/metrics_text.h"

namespace flowstitch {

class SourceBooks {
 public:
  // Both outlive the books. Sources are numbered as in the merger.
  SourceBooks(SourceMerger* merger, const Reassembler* reassembler)
      : merger_(*merger), reassembler_(*reassembler) {}

  // `link` outlives the books, or its source is replaced before it goes.
  void AddSource(const LinkReceiver* link);
  // Another source takes over the number of one that has gone, whose figures stay in the books.
  void ReplaceSource(size_t source, const LinkReceiver* link);
  // Before anything of a delivery is used: it may be the first one of a new epoch.
  void NoteEpoch(size_t source);
  void Tell(size_t source, const wire::SourceLedger& figures);

  // The sources as they are, in their order, then those of earlier epochs.
  void AddTo(wire::Ledger* ledger) const;
  void AddMetrics(const std::string& shard, int64_t now_ns, MetricsText* text) const;

 private:
  struct Source {
    const LinkReceiver* link;
    std::string name;
    uint64_t epoch;
    wire::SourceLedger told;
    // Counted before this epoch.
    uint64_t frames_taken_before;
    uint64_t duplicate_batches_before;
    uint64_t duplicate_frames_before;
  };
  wire::SourceLedger Figures(size_t source) const;
  void Keep(wire::SourceLedger gone);

  SourceMerger& merger_;
  const Reassembler& reassembler_;
  std::vector<Source> sources_;
  // Earlier epochs of sources that were restarted, and sources that were forgotten.
  std::vector<wire::SourceLedger> gone_;
  size_t input_bytes_ = 0;  // of all inputs in the books
};

}  // namespace flowstitch

#endif  // FLOWSTITCH_REASSEMBLER_SOURCE_BOOKS_H_
