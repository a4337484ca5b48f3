#include "sinks/end_totals.h"

#include <algorithm>

#include "transport/link/ledger_codec.h"

namespace flowstitch {
namespace {

void AddSource(const wire::SourceLedger& source, ReportTotals* totals) {
  const SourceLedger more = FromWire(source);
  const auto known = std::find_if(totals->sources.begin(), totals->sources.end(),
                                  [&source](const ReportTotals::Source& s) {
                                    return s.name == source.name() && s.epoch == source.epoch();
                                  });
  if (known == totals->sources.end()) {
    totals->sources.push_back({source.name(),
                               source.epoch(),
                               more,
                               {source.inputs().begin(), source.inputs().end()},
                               source.skew_ns(),
                               source.skew_samples(),
                               source.skew_to()});
    return;
  }
  SourceLedger& ledger = known->ledger;
  ledger.frames_received += more.frames_received;
  ledger.frames_taken_before += more.frames_taken_before;
  ledger.late_frames += more.late_frames;
  ledger.ahead_frames += more.ahead_frames;
  ledger.batches_received += more.batches_received;
  ledger.duplicate_batches += more.duplicate_batches;
  ledger.duplicate_frames += more.duplicate_frames;
  // The others are the source's own figures: all have the same, but for one that never ended.
  if (ledger.frames_read < more.frames_read) {
    ledger.frames_read = more.frames_read;
    ledger.bytes_read = more.bytes_read;
    ledger.frames_sent = more.frames_sent;
    ledger.kernel_dropped = more.kernel_dropped;
    ledger.interface_dropped = more.interface_dropped;
    ledger.buffer_dropped = more.buffer_dropped;
    ledger.frames_spooled = more.frames_spooled;
    ledger.spool_left = more.spool_left;
    known->inputs.assign(source.inputs().begin(), source.inputs().end());
  }
  if (known->skew_samples < source.skew_samples()) {
    known->skew_ns = source.skew_ns();
    known->skew_samples = source.skew_samples();
    known->skew_to = source.skew_to();
  }
}

}  // namespace

void AddEnd(const wire::End& end, ReportTotals* totals) {
  if (totals->error.empty()) totals->error = end.error();
  for (const wire::SourceLedger& source : end.ledger().sources()) AddSource(source, totals);
  const ReassemblyLedger more = FromWire(end.ledger().reassembly());
#define FLOWSTITCH_ADD(name, help) totals->reassembly.name += more.name;
  FLOWSTITCH_REASSEMBLY_LEDGER(FLOWSTITCH_ADD)
#undef FLOWSTITCH_ADD
  for (const wire::UnknownLinkType& unknown : end.ledger().unknown_link_types()) {
    totals->unread[{UnreadLayer::kLinkType, unknown.link_type()}] += unknown.frames();
  }
  for (const wire::UnreadFrames& unread : end.ledger().unread()) {
    totals->unread[{static_cast<UnreadLayer>(unread.layer()), unread.number()}] += unread.frames();
  }
  for (const wire::WirelessNetwork& network : end.ledger().networks()) {
    const auto known = std::find_if(totals->networks.begin(), totals->networks.end(),
                                    [&network](const ReportTotals::Network& n) {
                                      return n.mac == network.mac() && n.ssid == network.ssid();
                                    });
    if (known != totals->networks.end()) {
      known->beacons += network.beacons();
    } else {
      totals->networks.push_back({network.mac(), network.ssid(), network.beacons()});
    }
  }
}

}  // namespace flowstitch
