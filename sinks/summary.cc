#include "sinks/summary.h"

#include <algorithm>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "sinks/records/unread_names.h"

namespace flowstitch {
namespace {

// "3.4 MB" in powers of ten.
std::string Size(uint64_t bytes) {
  const char* units[] = {"B", "kB", "MB", "GB", "TB"};
  double value = static_cast<double>(bytes);
  int unit = 0;
  while (value >= 1000 && unit < 4) {
    value /= 1000;
    ++unit;
  }
  return unit == 0 ? absl::StrFormat("%d B", bytes)
                   : absl::StrFormat("%.1f %s", value, units[unit]);
}

// ", N WHAT" where N is not 0: what went well needs no line.
void Mention(uint64_t count, const char* what, std::string* line) {
  if (count > 0) absl::StrAppend(line, ", ", count, " ", what);
}

// The only one is called by what it read.
std::string NameOf(const ReportTotals& totals, const ReportTotals::Source& source) {
  if (totals.sources.size() > 1 || source.inputs.empty()) return source.name;
  const std::string& first = source.inputs[0];
  if (source.inputs.size() == 1) return first == "-" ? "standard input" : first;
  return absl::StrFormat("%s and %d more", first, source.inputs.size() - 1);
}

// Of a capture that is mostly one thing that nobody reads, what it is.
void MentionMostUnread(const ReportTotals& totals, std::string* text) {
  const auto most =
      std::max_element(totals.unread.begin(), totals.unread.end(),
                       [](const auto& a, const auto& b) { return a.second < b.second; });
  const uint64_t all = totals.reassembly.frames_received;
  if (most == totals.unread.end() || most->second <= all / 2) return;
  absl::StrAppendFormat(text, "not read: %d of %d frames are %s", most->second, all,
                        NameOf(most->first));
  const bool udp = most->first.layer == UnreadLayer::kUdpPort;
  absl::StrAppend(text, udp ? "; --udp writes UDP, too\n" : "\n");
}

bool NothingRead(const ReportTotals& totals) {
  return std::all_of(totals.sources.begin(), totals.sources.end(),
                     [](const auto& source) { return source.ledger.frames_read == 0; });
}

}  // namespace

std::string ShortLedger(const ReportTotals& totals, const WrittenKinds& written) {
  std::string text;
  // Nothing came: the error that follows says it all.
  if (!totals.error.empty() && NothingRead(totals)) return text;
  uint64_t taken_before = 0;
  for (const auto& source : totals.sources) {
    const SourceLedger& s = source.ledger;
    std::string line = absl::StrFormat("source %s: %d frames read (%s)", NameOf(totals, source),
                                       s.frames_read, Size(s.bytes_read));
    Mention(s.kernel_dropped, "dropped by the kernel", &line);
    Mention(s.interface_dropped, "dropped by the interface", &line);
    Mention(s.buffer_dropped, "dropped because the buffer was full", &line);
    Mention(s.frames_spooled, "waited on the disk", &line);
    Mention(s.spool_left, "still wait there", &line);
    taken_before += s.frames_taken_before;
    const uint64_t arrived = s.frames_received + s.frames_taken_before;
    if (s.frames_sent > arrived) Mention(s.frames_sent - arrived, "lost on the link", &line);
    Mention(s.late_frames, "late", &line);
    Mention(s.ahead_frames, "ahead of the clock", &line);
    Mention(s.duplicate_frames, "that another source had delivered", &line);
    if (source.skew_samples > 0) {
      absl::StrAppendFormat(&line, ", clock %+.3f ms to %s",
                            static_cast<double>(source.skew_ns) / kNsPerMs, source.skew_to);
    }
    absl::StrAppend(&text, line, "\n");
  }
  const ReassemblyLedger& r = totals.reassembly;
  std::string frames = absl::StrFormat("frames: %d TCP segments", r.segments);
  Mention(r.not_tcp_datagrams, "not TCP", &frames);
  Mention(r.not_ip_frames, "not IP", &frames);
  Mention(r.fragments_absorbed, "fragments", &frames);
  Mention(r.malformed_frames, "malformed", &frames);
  Mention(r.unknown_link_type_frames, "of an unknown link type", &frames);
  absl::StrAppend(&text, frames, "\n");
  MentionMostUnread(totals, &text);
  std::string streams =
      absl::StrFormat("streams: %d flows, %s delivered", r.flows_opened, Size(r.delivered_bytes));
  if (r.gap_bytes > 0) {
    absl::StrAppendFormat(&streams, ", %s missing in %d gaps", Size(r.gap_bytes), r.gaps);
  }
  Mention(r.retransmitted_bytes + r.overlapping_bytes, "bytes seen again", &streams);
  Mention(r.conflicting_bytes, "bytes in conflict", &streams);
  Mention(r.flows_evicted, "flows evicted", &streams);
  absl::StrAppend(&text, streams, "\n");
  const SinkLedger& k = totals.sink;
  // Whether anything was lost between the two, only somebody can say who knows what else was
  // started again.
  if (taken_before > 0 || k.earlier_frames > 0) {
    std::string gone =
        absl::StrFormat("reassemblers that have gone: %d frames acknowledged, %d told of",
                        taken_before, k.earlier_frames);
    Mention(k.earlier_waiting_bytes, "bytes waited behind a hole", &gone);
    absl::StrAppend(&text, gone, "\n");
  }
  if (!totals.error.empty()) absl::StrAppend(&text, "cut short: ", totals.error, "\n");
  std::vector<std::string> files;
  if (written.flow_files) {
    files.push_back(
        absl::StrFormat("%d flow files (%s)", k.flow_files, Size(k.file_bytes_written)));
  }
  if (written.http_bodies) {
    files.push_back(absl::StrFormat("%d HTTP bodies (%s)", k.http_bodies, Size(k.http_body_bytes)));
  }
  if (!files.empty()) absl::StrAppend(&text, "written: ", absl::StrJoin(files, ", "), "\n");
  return text;
}

}  // namespace flowstitch
