// Frames of several sources in one order: capture time, ties by source name. A source's frames stay
// in the order in which it sent them. Nothing newer than the lowest watermark is taken, except that
// a live source which lags more than the reorder window no longer holds the others up, nor does any
// source that lags so where a live one is.
#ifndef FLOWSTITCH_REASSEMBLER_SOURCES_SOURCE_MERGER_H_
#define FLOWSTITCH_REASSEMBLER_SOURCES_SOURCE_MERGER_H_

#include <algorithm>
#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/frame.h"
#include "base/ledger.h"
#include "reassembler/sources/frame_batch.h"

namespace flowstitch {

class SourceMerger {
 public:
  explicit SourceMerger(int64_t reorder_window_ns) : reorder_window_ns_(reorder_window_ns) {}

  // Sources are numbered by the caller, from 0 without a hole.
  // A live source is one that the others need not wait for beyond the reorder window.
  void AddSource(std::string name, bool live);
  // Another source takes over the number of one of which nothing waits.
  void ReplaceSource(size_t source, std::string name, bool live);
  // A batch of packets; false when it contradicts itself (then none of it is used). Frames that say
  // they are later than `latest_ns` are taken as of then, and counted (ahead_frames): one source's
  // clock must not run away with the timers of all.
  bool AddBatch(size_t source, std::shared_ptr<const FrameBatch> batch,
                TimeNs latest_ns = kTimeMax);
  // No frame before this time is still to come from the source.
  void SetWatermark(size_t source, TimeNs watermark_ns);
  void EndSource(size_t source, bool ended);

  // Gives out the next frame; false when none may be taken now. The frame's bytes are valid until
  // the next call. `finished` (may be empty) is called for each batch that is used up.
  using OnFinished = std::function<void(size_t source, const FrameBatch& batch)>;
  bool Next(Frame* frame, const OnFinished& finished);

  // The batch that the last frame is in.
  const std::shared_ptr<const FrameBatch>& current() const {
    return sources_[last_].batches.front().frames;
  }
  // Whether an interface is among the sources that have not ended.
  bool any_live() const { return any_live_; }

  size_t sources() const { return sources_.size(); }
  bool ended(size_t source) const { return sources_[source].ended; }
  // True when a source's frames are all taken.
  bool drained(size_t source) const { return sources_[source].batches.empty(); }
  size_t waiting(size_t source) const { return sources_[source].batches.size(); }
  // How far a source's watermark is behind the highest one; 0 before it has any.
  double lag_seconds(size_t source) const;
  SourceLedger& ledger(size_t source) { return sources_[source].ledger; }

 private:
  struct Batch {
    std::shared_ptr<const FrameBatch> frames;
    TimeNs latest_ns = kTimeMax;

    TimeNs TimeOf(size_t frame) const {
      return std::min(frames->capture_times_ns[frame], latest_ns);
    }
  };
  struct Source {
    std::string name;
    std::deque<Batch> batches;
    size_t frame = 0;            // of the first batch
    size_t offset = 0;           // of that frame in the batch's blob
    TimeNs taken_ns = kTimeMin;  // highest time taken
    // Of the last batch, and of heartbeats.
    TimeNs batch_watermark_ns = kTimeMin;
    TimeNs watermark_ns = kTimeMin;
    int clock = 0;  // how often its clock was set back
    bool live = false;
    bool ended = false;
    SourceLedger ledger;
  };

  // Where a source's next frame stands: by the clock it was stamped with, then by its capture time,
  // never before what was taken from it, and not that of a clock that was wrong for one frame.
  struct Place {
    int clock = 0;
    TimeNs time_ns = 0;
    friend auto operator<=>(const Place&, const Place&) = default;
  };
  Place HeadPlace(const Source& source) const;
  // The frame behind the next one, if it is there.
  static std::optional<TimeNs> FollowingTime(const Source& source);
  // Whether the next frame's clock may be wrong, which only the frame behind it will tell.
  bool IsDoubtful(const Source& source) const;

  // What decides about a source's turn, side by side for all: they are looked at for every frame.
  struct Front {
    uint32_t rank = 0;  // by name
    bool has_head = false;
    bool may_hold_up = false;  // something older may still come
    Place head;
    Place reached;  // where it may hold up: nothing before it comes
  };
  void RankByName();
  void NoteLive();
  void Refresh(size_t source);
  // Whether a source must be waited for before a frame at `place` of the source ranked `rank`.
  bool HoldsUp(size_t other, Place place, uint32_t rank) const;
  void Release(const OnFinished& finished);

  const int64_t reorder_window_ns_;
  std::vector<Source> sources_;
  std::vector<Front> fronts_;
  bool any_live_ = false;
  TimeNs highest_ns_ = kTimeMin;  // of all watermarks
  Place taken_{0, kTimeMin};
  size_t last_ = SIZE_MAX;  // the source whose frame was given out last
};

}  // namespace flowstitch

#endif  // FLOWSTITCH_REASSEMBLER_SOURCES_SOURCE_MERGER_H_
