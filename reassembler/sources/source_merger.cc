#include "reassembler/sources/source_merger.h"

#include <algorithm>

namespace flowstitch {
namespace {

// Two cache lines hold the headers of most frames.
constexpr size_t kPrefetchBytes = 128;

}  // namespace

void SourceMerger::AddSource(std::string name, bool live) {
  sources_.emplace_back();
  fronts_.emplace_back();
  ReplaceSource(sources_.size() - 1, std::move(name), live);
}

void SourceMerger::ReplaceSource(size_t index, std::string name, bool live) {
  sources_[index] = {};
  sources_[index].name = std::move(name);
  sources_[index].live = live;
  NoteLive();
  RankByName();
  Refresh(index);
}

void SourceMerger::RankByName() {
  for (size_t i = 0; i < sources_.size(); ++i) {
    const auto before = std::count_if(sources_.begin(), sources_.end(), [&](const Source& other) {
      return other.name < sources_[i].name;
    });
    fronts_[i].rank = static_cast<uint32_t>(before);
  }
}

void SourceMerger::NoteLive() {
  any_live_ = std::any_of(sources_.begin(), sources_.end(),
                          [](const Source& source) { return source.live && !source.ended; });
}

bool SourceMerger::AddBatch(size_t index, std::shared_ptr<const FrameBatch> batch,
                            TimeNs latest_ns) {
  if (!batch->FitsTogether()) return false;
  Source& source = sources_[index];
  source.ledger.frames_received += batch->frames();
  ++source.ledger.batches_received;
  const auto& times = batch->capture_times_ns;
  source.ledger.ahead_frames += static_cast<uint64_t>(std::count_if(
      times.begin(), times.end(), [latest_ns](TimeNs time_ns) { return time_ns > latest_ns; }));
  source.batch_watermark_ns = std::min(batch->watermark_ns, latest_ns);
  SetWatermark(index, source.batch_watermark_ns);
  source.batches.push_back({std::move(batch), latest_ns});
  Refresh(index);
  return true;
}

void SourceMerger::SetWatermark(size_t source, TimeNs watermark_ns) {
  if (watermark_ns <= sources_[source].watermark_ns) return;
  sources_[source].watermark_ns = watermark_ns;
  highest_ns_ = std::max(highest_ns_, watermark_ns);
  Refresh(source);
}

double SourceMerger::lag_seconds(size_t source) const {
  const TimeNs own = sources_[source].watermark_ns;
  if (own == kTimeMin) return 0;
  return (static_cast<double>(highest_ns_) - static_cast<double>(own)) /
         static_cast<double>(kNsPerSecond);
}

void SourceMerger::EndSource(size_t source, bool ended) {
  if (sources_[source].ended == ended) return;
  sources_[source].ended = ended;
  NoteLive();
  Refresh(source);
}

std::optional<TimeNs> SourceMerger::FollowingTime(const Source& source) {
  const Batch& batch = source.batches.front();
  if (source.frame + 1 < batch.frames->frames()) {
    return batch.TimeOf(source.frame + 1);
  }
  if (source.batches.size() < 2) return std::nullopt;
  return source.batches[1].TimeOf(0);
}

SourceMerger::Place SourceMerger::HeadPlace(const Source& source) const {
  const TimeNs own = source.batches.front().TimeOf(source.frame);
  const TimeNs at_least = std::max(source.taken_ns, own);
  if (source.live) return {source.clock, at_least};
  const std::optional<TimeNs> following = FollowingTime(source);
  if (source.taken_ns != kTimeMin && AddNs(own, kClockLeapNs) < source.taken_ns && following &&
      AddNs(*following, kClockLeapNs) < source.taken_ns) {
    return {source.clock + 1, own};
  }
  const bool leapt = following && at_least > AddNs(*following, kClockLeapNs) &&
                     AddNs(*following, kClockLeapNs) >= source.taken_ns;
  return {source.clock, leapt ? std::max(source.taken_ns, *following) : at_least};
}

bool SourceMerger::IsDoubtful(const Source& source) const {
  if (source.live || FollowingTime(source)) return false;
  const TimeNs own = source.batches.front().TimeOf(source.frame);
  return source.taken_ns == kTimeMin || own > AddNs(source.taken_ns, kClockLeapNs) ||
         AddNs(own, kClockLeapNs) < source.taken_ns;
}

void SourceMerger::Refresh(size_t index) {
  const Source& source = sources_[index];
  Front& front = fronts_[index];
  front.has_head = !source.batches.empty();
  if (front.has_head) front.head = HeadPlace(source);
  front.may_hold_up = !source.ended && (!front.has_head || IsDoubtful(source));
  // A heartbeat does not say by which clock.
  front.reached = {source.clock,
                   source.clock == 0 ? source.watermark_ns : source.batch_watermark_ns};
}

bool SourceMerger::HoldsUp(size_t index, Place place, uint32_t rank) const {
  const Front& front = fronts_[index];
  if (!front.may_hold_up) return false;
  // At the same time, the lower name goes first, and may still come.
  if (front.reached > place || (front.reached == place && front.rank > rank)) return false;
  const Source& other = sources_[index];
  const bool lags =
      (other.live || any_live_) && highest_ns_ > AddNs(other.watermark_ns, reorder_window_ns_);
  return !lags;
}

// Moves past the frame that was given out last.
void SourceMerger::Release(const OnFinished& finished) {
  if (last_ == SIZE_MAX) return;
  Source& source = sources_[last_];
  const FrameBatch& batch = *source.batches.front().frames;
  source.offset += batch.captured_lengths[source.frame];
  if (++source.frame == batch.frames()) {
    source.frame = 0;
    source.offset = 0;
    const std::shared_ptr<const FrameBatch> used = std::move(source.batches.front().frames);
    source.batches.pop_front();
    if (finished) finished(last_, *used);
  }
  Refresh(last_);
  last_ = SIZE_MAX;
}

bool SourceMerger::Next(Frame* frame, const OnFinished& finished) {
  Release(finished);
  size_t best = SIZE_MAX;
  for (size_t i = 0; i < fronts_.size(); ++i) {
    const Front& front = fronts_[i];
    if (!front.has_head) continue;
    const bool better = best == SIZE_MAX || front.head < fronts_[best].head ||
                        (front.head == fronts_[best].head && front.rank < fronts_[best].rank);
    if (better) best = i;
  }
  if (best == SIZE_MAX) return false;
  const Place best_place = fronts_[best].head;
  for (size_t i = 0; i < fronts_.size(); ++i) {
    if (i != best && HoldsUp(i, best_place, fronts_[best].rank)) return false;
  }
  Source& source = sources_[best];
  const FrameBatch& batch = *source.batches.front().frames;
  if (!batch.offsets.empty()) source.offset = batch.offsets[source.frame];
  frame->bytes = batch.blob.subspan(source.offset, batch.captured_lengths[source.frame]);
  // Another core wrote it: the next frame's headers are on their way while this one is worked on.
  if (const ByteView behind = batch.blob.subspan(source.offset + frame->bytes.size());
      behind.size() >= kPrefetchBytes) {
    __builtin_prefetch(behind.data());
    __builtin_prefetch(behind.data() + kPrefetchBytes / 2);
  }
  frame->wire_length = batch.wire_lengths[source.frame];
  frame->link_type = batch.link_type;
  frame->time_ns = source.batches.front().TimeOf(source.frame);
  frame->source = static_cast<uint32_t>(best);
  frame->opens_no_flow = batch.opens_no_flow;
  if (best_place < taken_) ++source.ledger.late_frames;
  taken_ = std::max(taken_, best_place);
  source.taken_ns = best_place.time_ns;
  source.clock = best_place.clock;
  last_ = best;
  return true;
}

}  // namespace flowstitch
