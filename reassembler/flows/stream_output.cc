#include "reassembler/flows/stream_output.h"

#include <algorithm>

#include "reassembler/flows/tcp_stream.h"

namespace flowstitch {
namespace {

// Bytes of each copy that a conflict shows.
constexpr size_t kConflictSampleBytes = 32;
// Conflicts kept until the stream's first byte, and so their offsets, are known.
constexpr size_t kMaxHeldConflicts = 16;
// Gaps of a stream that late bytes are looked up in.
constexpr size_t kMaxRememberedGaps = 64;

}  // namespace

void StreamOutput::Start(const StreamContext& c, Position origin) {
  origin_ = next_ = origin;
  started_ = true;
  if (rare_ == nullptr) return;
  for (const HeldConflict& conflict : rare_->held_conflicts) {
    if (conflict.at >= origin) Report(c, conflict);
  }
  rare_->held_conflicts = {};
}

void StreamOutput::Resume(uint64_t offset) {
  next_ = kFirstPosition + offset;
  started_ = true;
}

void StreamOutput::Deliver(const StreamContext& c, ByteView bytes, const Carrier& carrier) {
  BytesInfo told{carrier.time_ns, std::nullopt};
  if (carrier.acknowledgement) {
    told.acknowledged = c.peer.OffsetOf(c.limits, *carrier.acknowledgement);
  }
  c.events.OnBytes(c.flow, c.direction, next_ - origin_, bytes, told);
  c.delivered.Append(&delivered_mark_, next_, bytes);
  next_ += bytes.size();
  summary_.bytes += bytes.size();
  c.ledger.delivered_bytes += bytes.size();
  c.ledger.stream_bytes += bytes.size();
}

void StreamOutput::EmitGap(const StreamContext& c, uint64_t length, GapReason reason) {
  c.events.OnGap(c.flow, c.direction, next_ - origin_, length, reason, c.stamp_ns);
  auto& gaps = rare().gaps;
  if (gaps.size() == kMaxRememberedGaps) gaps.erase(gaps.begin());
  gaps.push_back({next_, next_ + length});
  next_ += length;
  summary_.bytes += length;
  summary_.gap_bytes += length;
  ++summary_.gaps;
  ++c.ledger.gaps;
  c.ledger.gap_bytes += length;
  c.ledger.stream_bytes += length;
}

void StreamOutput::Report(const StreamContext& c, const HeldConflict& conflict) const {
  ++c.ledger.conflicts;
  c.events.OnConflict(c.flow, c.direction,
                      {conflict.at - origin_, conflict.length, conflict.kept, conflict.dropped},
                      conflict.time_ns);
}

void StreamOutput::OnSeen(const StreamContext& c, Position at, ByteView kept, ByteView dropped,
                          TimeNs time_ns) {
  const auto [k, d] = std::mismatch(kept.begin(), kept.end(), dropped.begin());
  if (k == kept.end()) return;
  const auto first = static_cast<size_t>(k - kept.begin());
  uint64_t differing = 0;
  for (size_t i = first; i < kept.size(); ++i) differing += kept[i] != dropped[i];
  c.ledger.conflicting_bytes += differing;
  summary_.conflicting_bytes += differing;
  const size_t sample = std::min(kConflictSampleBytes, kept.size() - first);
  const HeldConflict conflict{at + first,
                              differing,
                              {k, k + static_cast<long>(sample)},
                              {d, d + static_cast<long>(sample)},
                              time_ns};
  if (started_) {
    Report(c, conflict);
    return;
  }
  if (rare().held_conflicts.size() < kMaxHeldConflicts) rare_->held_conflicts.push_back(conflict);
}

void StreamOutput::CompareDelivered(const StreamContext& c, Position at, ByteView bytes,
                                    TimeNs time_ns) {
  c.delivered.Find(delivered_mark_, at, bytes.size(), [&](Position where, ByteView kept) {
    OnSeen(c, where, kept, bytes.subspan(where - at, kept.size()), time_ns);
  });
}

uint64_t StreamOutput::BytesInGaps(Position at, uint64_t length) const {
  if (rare_ == nullptr) return 0;
  uint64_t bytes = 0;
  for (const Extent& gap : rare_->gaps) {
    const Position from = std::max(at, gap.start);
    const Position to = std::min(at + length, gap.end);
    if (from < to) bytes += to - from;
  }
  return bytes;
}

}  // namespace flowstitch
