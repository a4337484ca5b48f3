#include "reassembler/flows/stray_run.h"

#include <cstdlib>

#include "reassembler/flows/sequence_space.h"

namespace flowstitch {
namespace {

// How far apart segments that follow each other may be.
constexpr int64_t kSlackBytes = 1 << 20;

bool IsClose(uint32_t a, uint32_t b) {
  return std::llabs(int64_t{SequenceDistance(a, b)}) <= kSlackBytes;
}

}  // namespace

bool StrayRun::Follows(const Segment& segment) const {
  const auto& own = next_[segment.from_high ? 1 : 0];
  const auto& peer = next_[segment.from_high ? 0 : 1];
  if (own) return IsClose(segment.tcp.sequence, *own);
  return Has(segment, kTcpAck) && peer && IsClose(segment.tcp.acknowledgement, *peer);
}

size_t StrayRun::Add(const Segment& segment, const TcpLimits& limits) {
  size_t dropped = 0;
  const ByteView payload = segment.tcp.payload;
  const bool full =
      kept_.size() >= limits.strays || payload_bytes_ + payload.size() > limits.stray_bytes;
  if (full || (!kept_.empty() && !Follows(segment))) {
    dropped = payload_bytes_;
    *this = StrayRun();
  }
  if (payload.size() > limits.stray_bytes || limits.strays == 0) return dropped + payload.size();
  const auto end = segment.tcp.sequence + static_cast<uint32_t>(payload.size());
  auto& own = next_[segment.from_high ? 1 : 0];
  const bool repeats = own && SequenceDistance(end, *own) <= 0;
  if (BringsData(segment) && !repeats) ++pieces_;
  if (!own || !repeats) own = end;
  auto& peer = next_[segment.from_high ? 0 : 1];
  if (!peer && Has(segment, kTcpAck)) peer = segment.tcp.acknowledgement;
  kept_.push_back({segment, {payload.begin(), payload.end()}, *segment.link, *segment.tunnels});
  payload_bytes_ += payload.size();
  return dropped;
}

std::vector<StrayRun::Kept> StrayRun::Take() {
  std::vector<Kept> kept = std::move(kept_);
  *this = StrayRun();
  for (Kept& k : kept) {
    k.segment.tcp.payload = k.bytes;
    k.segment.transport = {};
    k.segment.in_frame = false;
    k.segment.link = &k.link;
    k.segment.tunnels = &k.tunnels;
  }
  return kept;
}

}  // namespace flowstitch
