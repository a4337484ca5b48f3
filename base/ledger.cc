#include "base/ledger.h"

#include "absl/strings/str_format.h"

namespace flowstitch {
namespace {

void Compare(const char* left_name, uint64_t left, const char* right_name, uint64_t right,
             std::vector<std::string>* lines) {
  if (left == right) return;
  lines->push_back(absl::StrFormat("%s is %d, but %s is %d", left_name, left, right_name, right));
}

}  // namespace

void SourceLedger::Add(const SourceLedger& other) {
#define FLOWSTITCH_ADD(name, help) name += other.name;
  FLOWSTITCH_SOURCE_LEDGER(FLOWSTITCH_ADD)
#undef FLOWSTITCH_ADD
}

void SourceLedger::Limit(uint64_t most) {
#define FLOWSTITCH_LIMIT(name, help) name = name < most ? name : most;
  FLOWSTITCH_SOURCE_LEDGER(FLOWSTITCH_LIMIT)
#undef FLOWSTITCH_LIMIT
}

void SinkLedger::Add(const SinkLedger& other) {
#define FLOWSTITCH_ADD(name, help) name += other.name;
  FLOWSTITCH_SINK_LEDGER(FLOWSTITCH_ADD)
#undef FLOWSTITCH_ADD
}

std::vector<std::string> FindImbalance(const SourceLedger& l) {
  std::vector<std::string> lines;
  Compare("frames_read", l.frames_read, "sent + dropped + left in the spool",
          l.frames_sent + l.kernel_dropped + l.interface_dropped + l.buffer_dropped + l.spool_left,
          &lines);
  return lines;
}

std::vector<std::string> FindImbalance(const ReassemblyLedger& l) {
  std::vector<std::string> lines;
  Compare("frames_received + extra_datagrams", l.frames_received + l.extra_datagrams,
          "duplicate + not IP + unknown link type + malformed + not TCP + too deep + bad checksum "
          "+ fragments + "
          "segments + UDP",
          l.duplicate_frames + l.not_ip_frames + l.unknown_link_type_frames + l.malformed_frames +
              l.not_tcp_datagrams + l.too_deep_datagrams + l.bad_checksum_datagrams +
              l.fragments_absorbed + l.segments + l.udp_datagrams,
          &lines);
  Compare("payload_bytes", l.payload_bytes,
          "delivered + retransmitted + overlapping + out of window + before start + after FIN + "
          "after close + reset payload + unconfirmed + evicted + late + unopened + waiting",
          l.delivered_bytes + l.retransmitted_bytes + l.overlapping_bytes + l.out_of_window_bytes +
              l.before_start_bytes + l.after_fin_bytes + l.after_close_bytes +
              l.reset_payload_bytes + l.unconfirmed_bytes + l.evicted_bytes + l.late_bytes +
              l.unopened_bytes + l.waiting_bytes,
          &lines);
  Compare("stream_bytes", l.stream_bytes, "delivered + gaps", l.delivered_bytes + l.gap_bytes,
          &lines);
  return lines;
}

}  // namespace flowstitch
