// Frames of several sources in one order: capture time, ties by source name. A source's frames stay
// in the order in which it sent them. Nothing newer than the lowest watermark is taken, except that
// a live source which lags more than the reorder window no longer holds the others up.
#ifndef FLOWSTITCH_REASSEMBLER_SOURCE_MERGER_H_
#define FLOWSTITCH_REASSEMBLER_SOURCE_MERGER_H_

#include <deque>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "base/frame.h"
#include "base/ledger.h"
#include "transport/delivery.h"

namespace flowstitch {

class SourceMerger {
 public:
  explicit SourceMerger(int64_t reorder_window_ns) : reorder_window_ns_(reorder_window_ns) {}

  // Sources are numbered by the caller, from 0 without a hole.
  // A live source is one that the others need not wait for beyond the reorder window.
  void AddSource(std::string name, bool live);
  // A batch of packets; false when it contradicts itself (then none of it is used).
  bool AddBatch(size_t source, std::shared_ptr<Delivery> delivery);
  // No frame before this time is still to come from the source.
  void SetWatermark(size_t source, TimeNs watermark_ns);
  void EndSource(size_t source, bool ended);

  // Gives out the next frame; false when none may be taken now. The frame's bytes are valid until
  // the next call. `finished` (may be empty) is called for each batch that is used up.
  using OnFinished = std::function<void(size_t source, uint64_t sequence, size_t bytes)>;
  bool Next(Frame* frame, const OnFinished& finished);

  size_t sources() const { return sources_.size(); }
  bool ended(size_t source) const { return sources_[source].ended; }
  // True when a source's frames are all taken.
  bool drained(size_t source) const { return sources_[source].batches.empty(); }
  SourceLedger& ledger(size_t source) { return sources_[source].ledger; }

 private:
  struct Source {
    std::string name;
    std::deque<std::shared_ptr<Delivery>> batches;
    int frame = 0;               // of the first batch
    size_t offset = 0;           // of that frame in the batch's blob
    TimeNs taken_ns = kTimeMin;  // highest time taken
    TimeNs watermark_ns = kTimeMin;
    bool live = false;
    bool ended = false;
    SourceLedger ledger;
  };

  // Capture time of a source's next frame, never before what was taken from it.
  TimeNs HeadTime(const Source& source) const;
  bool HoldsUp(const Source& other, TimeNs time_ns, const Source& candidate) const;
  void Release(const OnFinished& finished);

  const int64_t reorder_window_ns_;
  std::vector<Source> sources_;
  TimeNs highest_ns_ = kTimeMin;  // of all watermarks
  TimeNs taken_ns_ = kTimeMin;
  size_t last_ = SIZE_MAX;  // the source whose frame was given out last
};

}  // namespace flowstitch

#endif  // FLOWSTITCH_REASSEMBLER_SOURCE_MERGER_H_
