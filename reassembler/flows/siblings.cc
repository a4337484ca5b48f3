#include "reassembler/flows/siblings.h"

#include <algorithm>
#include <utility>
#include <vector>

namespace flowstitch {

void Siblings::OnSegment(uint32_t newest, const Segment& segment, Dispatch dispatch) {
  for (uint32_t i = newest; i != Flow::kNone; i = core_.table.flow(i).next_sibling) {
    if (!ConfirmsCandidate(core_.table.flow(i), segment)) continue;
    OpenCandidate(i, segment);
    return;
  }
  const uint32_t index = Find(newest, segment);
  if (IsSyn(segment)) {
    if (OnSyn(newest, index == Flow::kNone ? newest : index, segment, dispatch)) return;
  } else if (index == Flow::kNone) {
    OnStray(newest, segment, dispatch);
    return;
  }
  feed_.Feed(index == Flow::kNone ? newest : index, segment);
}

// The flow that a segment fits best, or none. Of a single flow the question is whether it fits.
uint32_t Siblings::Find(uint32_t newest, const Segment& segment) const {
  const bool alone = core_.table.flow(newest).next_sibling == Flow::kNone;
  uint32_t best = Flow::kNone;
  uint64_t best_distance = UINT64_MAX;
  for (uint32_t i = newest; i != Flow::kNone; i = core_.table.flow(i).next_sibling) {
    const Flow& flow = core_.table.flow(i);
    const auto direction = TcpCore::DirectionOf(flow, segment);
    const TcpStream& stream = flow.streams[direction];
    const TcpStream& peer = flow.streams[Opposite(direction)];
    if (alone) {
      // An unknown direction of a flow takes whatever comes, as long as the other does not object.
      if (stream.anchored()) {
        return stream.Near(core_.limits, segment.tcp.sequence) ? i : Flow::kNone;
      }
      const bool objects = Has(segment, kTcpAck) && BringsData(segment) &&
                           !peer.Near(core_.limits, segment.tcp.acknowledgement);
      return objects ? Flow::kNone : i;
    }
    if (stream.anchored() && !stream.Near(core_.limits, segment.tcp.sequence)) continue;
    const bool knows_peer = Has(segment, kTcpAck) && peer.anchored();
    if (!stream.anchored() &&
        !(knows_peer && peer.Near(core_.limits, segment.tcp.acknowledgement))) {
      continue;
    }
    // A direction that was not seen says nothing: as good as the far end of a window.
    uint64_t distance = stream.anchored() ? stream.DistanceTo(segment.tcp.sequence)
                                          : core_.limits.window_slack_bytes;
    distance += knows_peer ? std::min(peer.DistanceTo(segment.tcp.acknowledgement),
                                      core_.limits.acknowledgement_lead_bytes)
                           : core_.limits.window_slack_bytes;
    if (distance >= best_distance) continue;
    best = i;
    best_distance = distance;
  }
  return best;
}

// The flow whose own SYN it is, repeated or late. Of several that know no SYN of this side yet, the
// one whose own was answered.
uint32_t Siblings::FindOwn(uint32_t newest, const Segment& segment) const {
  uint32_t own = Flow::kNone;
  for (uint32_t i = newest; i != Flow::kNone; i = core_.table.flow(i).next_sibling) {
    const Flow& sibling = core_.table.flow(i);
    const auto direction = TcpCore::DirectionOf(sibling, segment);
    if (!sibling.streams[direction].IsOwnSyn(segment.tcp.sequence)) continue;
    if (own == Flow::kNone) own = i;
    const TcpStream& peer = sibling.streams[Opposite(direction)];
    if (peer.syn_seen() && peer.isn() + 1 == segment.tcp.acknowledgement) own = i;
  }
  return own;
}

// True when the SYN does not belong to the flow as it is, and has been dealt with.
bool Siblings::OnSyn(uint32_t newest, uint32_t index, const Segment& segment, Dispatch dispatch) {
  const uint32_t own = FindOwn(newest, segment);
  if (own != Flow::kNone) {
    if (own == index) return false;
    feed_.Feed(own, segment);
    return true;
  }
  if (segment.opens_no_flow) {
    ++core_.ledger.ignored_syns;
    core_.Ignore(segment, &ReassemblyLedger::out_of_window_bytes);
    return true;
  }
  Flow& flow = core_.table.flow(newest);
  const auto direction = TcpCore::DirectionOf(flow, segment);
  const TcpStream& stream = flow.streams[direction];
  const TcpStream& peer = flow.streams[Opposite(direction)];
  const bool idle = core_.now_ns > AddNs(flow.last_time_ns, core_.limits.replace_idle_ns);
  // Both have ended; a direction that no sensor saw says nothing against it.
  const bool ended = stream.fin_seen() && (peer.fin_seen() || !peer.anchored());
  if (IsPureSyn(segment) && (flow.reset || ended || idle)) {
    const bool replaced = idle && !flow.reset;
    Replace(newest, replaced ? CloseReason::kReplaced : FlowSet::ReasonSoFar(flow), segment,
            dispatch);
    return true;
  }
  // Another SYN-ACK before any data: the client's answer will settle which counts.
  const bool nothing_yet = stream.untouched() && !flow.reset;
  if (nothing_yet && !IsPureSyn(segment) && newest == index) return false;
  if (!flow.candidate.known || flow.candidate.isn != segment.tcp.sequence) {
    ++core_.ledger.ignored_syns;
  }
  NoteCandidate(flow, segment);
  core_.Ignore(segment, &ReassemblyLedger::out_of_window_bytes);
  return true;
}

// The newest flow is over, and the SYN is of another connection.
void Siblings::Replace(uint32_t newest, CloseReason reason, const Segment& segment,
                       Dispatch dispatch) {
  const bool alone = core_.table.flow(newest).next_sibling == Flow::kNone;
  flows_.Close(newest, reason);
  if (alone) {
    dispatch(segment);  // finds the tombstone, and opens
    return;
  }
  const uint32_t next = core_.table.Find(segment.key)->index;
  NoteCandidate(core_.table.flow(next), segment);
  core_.Ignore(segment, &ReassemblyLedger::out_of_window_bytes);
}

void Siblings::NoteCandidate(Flow& flow, const Segment& segment) {
  flow.candidate = {true, segment.from_high, !IsPureSyn(segment), segment.tcp.sequence,
                    segment.time_ns};
}

// Whether the segment shows that both ends believe in the connection of the candidate SYN.
bool Siblings::ConfirmsCandidate(const Flow& flow, const Segment& segment) const {
  const Flow::SynCandidate& candidate = flow.candidate;
  if (!candidate.known || segment.opens_no_flow || Has(segment, kTcpRst)) return false;
  if (segment.from_high != candidate.from_high) {
    return Has(segment, kTcpAck) && segment.tcp.acknowledgement == candidate.isn + 1;
  }
  // Its own sender goes on from it, which it would not without an answer.
  const auto direction = TcpCore::DirectionOf(flow, segment);
  return !IsSyn(segment) && segment.tcp.sequence == candidate.isn + 1 &&
         !flow.streams[direction].Near(core_.limits, segment.tcp.sequence);
}

void Siblings::OpenCandidate(uint32_t index, const Segment& segment) {
  const Flow::SynCandidate candidate = core_.table.flow(index).candidate;
  core_.table.flow(index).candidate = {};
  if (core_.limits.split_spaces) {
    core_.table.flow(index).superseded = true;
    core_.Remind(index, AddNs(core_.now_ns, core_.limits.superseded_ns));
  } else {
    flows_.Close(index, CloseReason::kReplaced);
    if (const auto entry = core_.table.Find(segment.key)) core_.table.Remove(*entry);
  }
  ++core_.ledger.half_open_flows;
  HalfOpen half;
  half.first_time_ns = candidate.time_ns;
  half.client_is_high = candidate.from_high != candidate.is_answer;
  const uint32_t opened = flows_.Open(
      segment, {half.client_is_high, candidate.is_answer ? OpenedBy::kSynAck : OpenedBy::kSyn,
                candidate.time_ns});
  feed_.FeedSyn(opened, candidate.is_answer ? kServerToClient : kClientToServer, half,
                candidate.isn, /*payload=*/nullptr);
  feed_.Feed(opened, segment);
}

// Whether it is a late repeat of the sibling that was closed last.
bool Siblings::IsOfClosed(const Flow& flow, const Segment& segment) const {
  if (flow.closed_sibling == nullptr) return false;
  const ClosedStream& closed = (*flow.closed_sibling)[segment.from_high ? 1 : 0];
  const int32_t distance = SequenceDistance(segment.tcp.sequence, closed.end);
  return closed.known && distance <= 0 && distance > -(1 << 30);
}

// A segment that fits no flow of its ends.
void Siblings::OnStray(uint32_t newest, const Segment& segment, Dispatch dispatch) {
  Flow& flow = core_.table.flow(newest);
  if (Has(segment, kTcpRst)) {
    ++core_.ledger.ignored_resets;
    core_.Ignore(segment, &ReassemblyLedger::reset_payload_bytes);
    return;
  }
  if (IsOfClosed(flow, segment)) {
    ++core_.ledger.tombstone_segments;
    core_.Ignore(segment, &ReassemblyLedger::after_close_bytes);
    return;
  }
  const bool begins = flow.strays == nullptr && !BringsData(segment);
  const size_t cost = segment.tcp.payload.size() + StrayRun::kOverheadBytes;
  if (begins || segment.opens_no_flow || !core_.limits.split_spaces ||
      core_.all_waiting_bytes + cost > core_.limits.all_waiting_bytes) {
    core_.Ignore(segment, &ReassemblyLedger::out_of_window_bytes);
    return;
  }
  AddStray(flow, segment);
  if (flow.strays->IsFlow()) {
    OpenStrays(flow, segment, dispatch);
  } else {
    flows_.NoteStrays(*flow.strays, /*kept=*/true);
  }
}

// Its run is out of the books until it is noted again.
void Siblings::AddStray(Flow& flow, const Segment& segment) {
  if (flow.strays == nullptr) {
    flow.strays = std::make_unique<StrayRun>();
  } else {
    flows_.NoteStrays(*flow.strays, /*kept=*/false);
  }
  StrayRun& strays = *flow.strays;
  const size_t before = strays.size();
  HeldFrames frames = std::exchange(strays.frames, {});
  core_.ledger.out_of_window_bytes += strays.Add(segment, core_.limits);
  if (core_.recorder != nullptr) {
    if (strays.size() <= before) core_.recorder->GiveUp(&frames);  // the run began anew
    if (strays.size() > 0) core_.recorder->Hold(segment, segment.tcp.payload, &frames);
  }
  strays.frames = std::move(frames);
}

// They are a flow of their own.
void Siblings::OpenStrays(Flow& flow, const Segment& segment, Dispatch dispatch) {
  const std::unique_ptr<StrayRun> strays = std::move(flow.strays);
  HeldFrames frames = std::move(strays->frames);
  const std::vector<StrayRun::Kept> kept = strays->Take();
  const uint32_t opened = flows_.OpenInTheMiddle(kept.front().segment);
  if (core_.recorder != nullptr) {
    const Flow& its = core_.table.flow(opened);
    core_.recorder->GiveToFlow(its.id, its.client_is_high, &frames);
  }
  for (const StrayRun::Kept& k : kept) {
    // One of them may have closed it: then the others go where they belong.
    const auto entry = core_.table.Find(segment.key);
    if (entry && entry->kind == EntryKind::kFlow && entry->index == opened) {
      feed_.Feed(opened, k.segment);
    } else {
      dispatch(k.segment);
    }
  }
}

}  // namespace flowstitch
