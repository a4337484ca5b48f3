#include "reassembler/source_books.h"

#include <algorithm>

#include "transport/link/ledger_codec.h"
#include "transport/link/link_limits.h"
#include "transport/link_metrics.h"

namespace flowstitch {
namespace {

constexpr size_t kMaxGone = 1024;
// Of the names of inputs: of one, and of all.
constexpr size_t kMaxInputBytes = 4096;
constexpr size_t kMaxInputsBytes = size_t{4} << 20;

}  // namespace

void SourceBooks::AddSource(const LinkReceiver* link) {
  sources_.push_back(
      {link, link->peer_name(), link->peer_epoch(), {}, link->frames_before(), 0, 0});
}

// What is told again to sinks must not be more than they take, whatever a source says.
void SourceBooks::Tell(size_t index, const wire::SourceLedger& figures) {
  wire::SourceLedger& told = sources_[index].told;
  for (const std::string& input : told.inputs()) input_bytes_ -= input.size();
  told.Clear();
  ToWire(FromWire(figures), &told);
  for (const std::string& input : figures.inputs()) {
    if (input.size() > kMaxInputBytes || input_bytes_ + input.size() > kMaxInputsBytes) continue;
    input_bytes_ += input.size();
    told.add_inputs(input);
  }
}

// What a process had told stays in the books, as a source of its own epoch.
void SourceBooks::Keep(wire::SourceLedger gone) {
  // It told its figures about once a second: what came after them was sent too.
  const uint64_t arrived = gone.frames_received() + gone.frames_taken_before();
  if (gone.frames_sent() < arrived) {
    gone.set_frames_read(std::min(gone.frames_read() + arrived - gone.frames_sent(), kMaxCount));
    gone.set_frames_sent(std::min(arrived, kMaxCount));
  }
  if (gone_.size() < kMaxGone) {
    gone_.push_back(std::move(gone));
    return;
  }
  // A source that is started again and again does not fill the memory: the oldest ones are added
  // up.
  SourceLedger sum = FromWire(gone_.front());
  sum.Add(FromWire(gone));
  gone_.front().Clear();
  sum.Limit(kMaxCount);
  ToWire(sum, &gone_.front());
  gone_.front().set_name("(earlier sources)");
}

void SourceBooks::ReplaceSource(size_t index, const LinkReceiver* link) {
  Keep(Figures(index));
  sources_[index] = {link,
                     link->peer_name(),
                     link->peer_epoch(),
                     {},
                     link->frames_before(),
                     0,
                     reassembler_.copies(static_cast<uint32_t>(index))};
  merger_.ledger(index) = {};
}

void SourceBooks::NoteEpoch(size_t index) {
  Source& source = sources_[index];
  if (source.epoch == source.link->peer_epoch()) return;
  Keep(Figures(index));
  source.epoch = source.link->peer_epoch();
  source.told.Clear();
  source.frames_taken_before = source.link->frames_before();
  source.duplicate_batches_before = source.link->duplicates();
  source.duplicate_frames_before = reassembler_.copies(static_cast<uint32_t>(index));
  merger_.ledger(index) = {};
}

wire::SourceLedger SourceBooks::Figures(size_t index) const {
  const Source& source = sources_[index];
  const SourceLedger& merged = merger_.ledger(index);
  const auto number = static_cast<uint32_t>(index);
  wire::SourceLedger out = source.told;
  out.set_name(source.name);
  out.set_epoch(source.epoch);
  out.set_frames_received(merged.frames_received);
  out.set_frames_taken_before(source.frames_taken_before);
  out.set_late_frames(merged.late_frames);
  out.set_ahead_frames(merged.ahead_frames);
  out.set_batches_received(merged.batches_received);
  out.set_duplicate_batches(source.link->duplicates() - source.duplicate_batches_before);
  out.set_duplicate_frames(reassembler_.copies(number) - source.duplicate_frames_before);
  const DuplicateFilter::Skew skew = reassembler_.duplicates().skew(number);
  if (skew.samples > 0) {
    out.set_skew_ns(static_cast<int64_t>(skew.ns));
    out.set_skew_samples(skew.samples);
    out.set_skew_to(sources_[skew.reference].name);
  }
  return out;
}

void SourceBooks::AddTo(wire::Ledger* ledger) const {
  for (size_t i = 0; i < sources_.size(); ++i) *ledger->add_sources() = Figures(i);
  for (const wire::SourceLedger& gone : gone_) *ledger->add_sources() = gone;
}

void SourceBooks::AddMetrics(const std::string& shard, int64_t now_ns, MetricsText* text) const {
  for (size_t i = 0; i < sources_.size(); ++i) {
    const wire::SourceLedger figures = Figures(i);
    const MetricsText::Labels labels = {{"shard", shard}, {"source", figures.name()}};
    text->Add(FromWire(figures), figures.name());
    AddLinkMetrics(*sources_[i].link, labels, now_ns, text);
    text->Gauge("source_lag_seconds", "how far the source's capture time is behind the newest one",
                labels, merger_.lag_seconds(i));
    text->Gauge("source_waiting_batches", "batches that wait for other sources' frames", labels,
                static_cast<double>(merger_.waiting(i)));
    text->Gauge("source_ended", "1 once the source has ended", labels, merger_.ended(i) ? 1 : 0);
    if (figures.skew_samples() > 0) {
      text->Gauge("source_skew_seconds",
                  "how far the source's clock is behind that of the lowest source it shares "
                  "datagrams with",
                  labels,
                  static_cast<double>(figures.skew_ns()) / static_cast<double>(kNsPerSecond));
    }
  }
}

}  // namespace flowstitch
