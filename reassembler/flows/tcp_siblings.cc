// Several flows between the same ends: which one a segment belongs to, SYNs that contradict an open
// flow, and segments that fit none.
#include <algorithm>
#include <utility>

#include "reassembler/flows/tcp_reassembler.h"

namespace flowstitch {
// The flow that a segment fits best, or none. Of a single flow the question is whether it fits.
uint32_t TcpReassembler::FindSibling(uint32_t newest, const Segment& segment) {
  const bool alone = table_.flow(newest).next_sibling == Flow::kNone;
  uint32_t best = Flow::kNone;
  uint64_t best_distance = UINT64_MAX;
  for (uint32_t i = newest; i != Flow::kNone; i = table_.flow(i).next_sibling) {
    const Flow& flow = table_.flow(i);
    const auto direction = static_cast<size_t>(DirectionOf(flow, segment));
    const TcpStream& stream = flow.streams[direction];
    const TcpStream& peer = flow.streams[1 - direction];
    if (alone) {
      // An unknown direction of a flow takes whatever comes, as long as the other does not object.
      if (stream.anchored()) return stream.Near(limits_, segment.tcp.sequence) ? i : Flow::kNone;
      const bool objects = Has(segment, kTcpAck) && BringsData(segment) &&
                           !peer.Near(limits_, segment.tcp.acknowledgement);
      return objects ? Flow::kNone : i;
    }
    if (stream.anchored() && !stream.Near(limits_, segment.tcp.sequence)) continue;
    const bool knows_peer = Has(segment, kTcpAck) && peer.anchored();
    if (!stream.anchored() && !(knows_peer && peer.Near(limits_, segment.tcp.acknowledgement))) {
      continue;
    }
    // A direction that was not seen says nothing: as good as the far end of a window.
    uint64_t distance =
        stream.anchored() ? stream.DistanceTo(segment.tcp.sequence) : limits_.window_slack_bytes;
    distance += knows_peer ? std::min(peer.DistanceTo(segment.tcp.acknowledgement),
                                      limits_.acknowledgement_lead_bytes)
                           : limits_.window_slack_bytes;
    if (distance >= best_distance) continue;
    best = i;
    best_distance = distance;
  }
  return best;
}

// True when the SYN does not belong to the flow as it is, and has been dealt with.
bool TcpReassembler::HandleContradictingSyn(uint32_t newest, uint32_t index,
                                            const Segment& segment) {
  uint32_t own = Flow::kNone;
  for (uint32_t i = newest; i != Flow::kNone; i = table_.flow(i).next_sibling) {
    const Flow& sibling = table_.flow(i);
    const auto direction = static_cast<size_t>(DirectionOf(sibling, segment));
    if (!sibling.streams[direction].IsOwnSyn(segment.tcp.sequence)) continue;
    if (own == Flow::kNone) own = i;
    // Of several that know no SYN of this side yet, the one whose own was answered.
    const TcpStream& peer = sibling.streams[1 - direction];
    if (peer.syn_seen() && peer.isn() + 1 == segment.tcp.acknowledgement) own = i;
  }
  if (own != Flow::kNone) {
    if (own == index) return false;
    FeedFlow(own, segment);
    return true;
  }
  if (segment.opens_no_flow) {
    ++ledger_.ignored_syns;
    Ignore(segment, &ReassemblyLedger::out_of_window_bytes);
    return true;
  }
  Flow& flow = table_.flow(newest);
  const TcpStream& stream = flow.streams[static_cast<size_t>(DirectionOf(flow, segment))];
  const bool nothing_yet = stream.untouched() && !flow.reset;
  const bool idle = now_ns_ > AddNs(flow.last_time_ns, limits_.replace_idle_ns);
  // Both have ended; a direction that no sensor saw says nothing against it.
  const TcpStream& peer = flow.streams[1 - static_cast<size_t>(DirectionOf(flow, segment))];
  const bool ended = stream.fin_seen() && (peer.fin_seen() || !peer.anchored());
  if (IsPureSyn(segment) && (flow.reset || ended || idle)) {
    const bool alone = flow.next_sibling == Flow::kNone;
    CloseFlow(newest, idle && !flow.reset ? CloseReason::kReplaced : ReasonSoFar(flow));
    if (alone) {
      Dispatch(segment);  // finds the tombstone, and opens
      return true;
    }
    const uint32_t next = table_.Find(segment.key)->index;
    NoteCandidate(table_.flow(next), segment);
    Ignore(segment, &ReassemblyLedger::out_of_window_bytes);
    return true;
  }
  // Another SYN-ACK before any data: the client's answer will settle which counts.
  if (nothing_yet && !IsPureSyn(segment) && newest == index) return false;
  if (!flow.candidate.known || flow.candidate.isn != segment.tcp.sequence) ++ledger_.ignored_syns;
  NoteCandidate(flow, segment);
  Ignore(segment, &ReassemblyLedger::out_of_window_bytes);
  return true;
}

void TcpReassembler::NoteCandidate(Flow& flow, const Segment& segment) {
  flow.candidate = {true, segment.from_high, !IsPureSyn(segment), segment.tcp.sequence,
                    segment.time_ns};
}

// Whether the segment shows that both ends believe in the connection of the candidate SYN.
bool TcpReassembler::ConfirmsCandidate(const Flow& flow, const Segment& segment) const {
  const Flow::SynCandidate& candidate = flow.candidate;
  if (!candidate.known || segment.opens_no_flow || Has(segment, kTcpRst)) return false;
  if (segment.from_high != candidate.from_high) {
    return Has(segment, kTcpAck) && segment.tcp.acknowledgement == candidate.isn + 1;
  }
  // Its own sender goes on from it, which it would not without an answer.
  const auto direction = static_cast<size_t>(DirectionOf(flow, segment));
  return !IsSyn(segment) && segment.tcp.sequence == candidate.isn + 1 &&
         !flow.streams[direction].Near(limits_, segment.tcp.sequence);
}

void TcpReassembler::OpenCandidate(uint32_t index, const Segment& segment) {
  const Flow::SynCandidate candidate = table_.flow(index).candidate;
  table_.flow(index).candidate = {};
  if (limits_.split_spaces) {
    table_.flow(index).superseded = true;
    Remind(index, AddNs(now_ns_, limits_.superseded_ns));
  } else {
    CloseFlow(index, CloseReason::kReplaced);
    if (const auto entry = table_.Find(segment.key)) table_.Remove(*entry);
  }
  ++ledger_.half_open_flows;
  HalfOpen half;
  half.first_time_ns = candidate.time_ns;
  half.client_is_high = candidate.from_high != candidate.is_answer;
  const uint32_t opened = OpenFlow(
      segment, {half.client_is_high, candidate.is_answer ? OpenedBy::kSynAck : OpenedBy::kSyn,
                candidate.time_ns});
  FeedSyn(opened, candidate.is_answer ? Direction::kServerToClient : Direction::kClientToServer,
          &half, candidate.isn);
  FeedFlow(opened, segment);
}

// A segment that fits no flow of its ends.
void TcpReassembler::OnStray(uint32_t newest, const Segment& segment) {
  Flow& flow = table_.flow(newest);
  if (Has(segment, kTcpRst)) {
    ++ledger_.ignored_resets;
    Ignore(segment, &ReassemblyLedger::reset_payload_bytes);
    return;
  }
  if (flow.closed_sibling != nullptr) {
    const ClosedStream& closed = (*flow.closed_sibling)[segment.from_high ? 1 : 0];
    const int32_t distance = SequenceDistance(segment.tcp.sequence, closed.end);
    if (closed.known && distance <= 0 && distance > -(1 << 30)) {
      ++ledger_.tombstone_segments;
      Ignore(segment, &ReassemblyLedger::after_close_bytes);
      return;
    }
  }
  const bool begins = flow.strays == nullptr && !BringsData(segment);
  const size_t cost = segment.tcp.payload.size() + StrayRun::kOverheadBytes;
  if (begins || segment.opens_no_flow || !limits_.split_spaces ||
      all_waiting_bytes_ + cost > limits_.all_waiting_bytes) {
    Ignore(segment, &ReassemblyLedger::out_of_window_bytes);
    return;
  }
  if (flow.strays == nullptr) {
    flow.strays = std::make_unique<StrayRun>();
  } else {
    NoteStrays(*flow.strays, /*kept=*/false);
  }
  const size_t before = flow.strays->size();
  HeldFrames frames = std::exchange(flow.strays->frames, {});
  ledger_.out_of_window_bytes += flow.strays->Add(segment, limits_);
  if (recorder_ != nullptr) {
    if (flow.strays->size() <= before) recorder_->GiveUp(&frames);  // the run began anew
    if (flow.strays->size() > 0) recorder_->Hold(segment, segment.tcp.payload, &frames);
  }
  if (!flow.strays->IsFlow()) {
    NoteStrays(*flow.strays, /*kept=*/true);
    flow.strays->frames = std::move(frames);
    return;
  }
  const std::vector<StrayRun::Kept> kept = flow.strays->Take();
  flow.strays = nullptr;
  const uint32_t opened = OpenInTheMiddle(kept.front().segment);
  if (recorder_ != nullptr) {
    recorder_->GiveToFlow(table_.flow(opened).id, table_.flow(opened).client_is_high, &frames);
  }
  for (const StrayRun::Kept& k : kept) {
    // One of them may have closed it: then the others go where they belong.
    const auto entry = table_.Find(segment.key);
    if (entry && entry->kind == EntryKind::kFlow && entry->index == opened) {
      FeedFlow(opened, k.segment);
    } else {
      Dispatch(k.segment);
    }
  }
}

void TcpReassembler::NoteStrays(const StrayRun& strays, bool kept) {
  const size_t payload = strays.payload_bytes();
  const size_t cost = strays.memory_bytes();
  if (kept) {
    ledger_.waiting_bytes += payload;
    all_waiting_bytes_ += cost;
  } else {
    ledger_.waiting_bytes -= payload;
    all_waiting_bytes_ -= cost;
  }
}

void TcpReassembler::DropStrays(Flow& flow) {
  if (flow.strays == nullptr) return;
  NoteStrays(*flow.strays, /*kept=*/false);
  ledger_.out_of_window_bytes += flow.strays->payload_bytes();
  if (recorder_ != nullptr) recorder_->GiveUp(&flow.strays->frames);
  flow.strays = nullptr;
}

void TcpReassembler::EnforceSiblings(const FlowKey& key) {
  size_t count = 1;
  uint32_t last = table_.Find(key)->index;
  while (table_.flow(last).next_sibling != Flow::kNone) {
    last = table_.flow(last).next_sibling;
    ++count;
  }
  if (count > limits_.siblings) CloseFlow(last, CloseReason::kReplaced);
}

}  // namespace flowstitch
