// Figures of one link, the same for all stages.
#ifndef FLOWSTITCH_TRANSPORT_LINK_METRICS_H_
#define FLOWSTITCH_TRANSPORT_LINK_METRICS_H_

#include "transport/link/link_receiver.h"
#include "transport/link/link_sender.h"
#include "transport/metrics_text.h"

namespace flowstitch {

// 1 while the peer is there.
inline void AddLinkState(LinkState state, int64_t heard_ns, int64_t now_ns,
                         const MetricsText::Labels& labels, MetricsText* text) {
  text->Gauge("link_open", "1 while the peer at the other end is there", labels,
              state == LinkState::kOpen ? 1 : 0);
  if (heard_ns == 0) return;
  text->Gauge("link_silent_seconds", "time since the peer was heard", labels,
              static_cast<double>(now_ns - heard_ns) / static_cast<double>(kNsPerSecond));
}

inline void AddLinkMetrics(const LinkSender& link, const MetricsText::Labels& labels,
                           int64_t now_ns, MetricsText* text) {
  AddLinkState(link.state(), link.last_heard_ns(), now_ns, labels, text);
  text->Gauge("link_buffered_bytes", "bytes kept until the peer has acknowledged them", labels,
              static_cast<double>(link.unacknowledged_bytes()));
  const int64_t stalled_ns = link.stalled_since_ns();
  text->Gauge("link_stalled_seconds",
              "time for which the peer has finished with nothing of what waits for it", labels,
              stalled_ns == 0
                  ? 0
                  : static_cast<double>(now_ns - stalled_ns) / static_cast<double>(kNsPerSecond));
  text->Gauge("link_credit_bytes", "bytes that the peer takes beyond what is under way", labels,
              static_cast<double>(link.credit_bytes()));
  text->Counter("link_acknowledged_batches", "batches that the peer has finished with", labels,
                link.acknowledged());
  text->Counter("link_resent_messages", "messages sent again", labels, link.resent_messages());
}

inline void AddLinkMetrics(const LinkReceiver& link, const MetricsText::Labels& labels,
                           int64_t now_ns, MetricsText* text) {
  AddLinkState(link.state(), link.last_heard_ns(), now_ns, labels, text);
  text->Gauge("link_unfinished_batches", "batches received and not finished with", labels,
              static_cast<double>(link.received() - link.finished()));
  text->Counter("link_duplicate_batches", "batches received twice and dropped", labels,
                link.duplicates());
  text->Counter("link_missed_batches", "batches that the peer could not give any more", labels,
                link.missed());
  text->Counter("link_restarts", "times that the peer came back as a new process", labels,
                link.restarts());
}

}  // namespace flowstitch

#endif  // FLOWSTITCH_TRANSPORT_LINK_METRICS_H_
