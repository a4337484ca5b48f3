// The ledger: what every process counts, under one name everywhere (code, messages, report,
// metrics). The equations that must hold stand beside the fields; FindImbalance checks them. A
// figure that cannot be balanced is a bug.
#ifndef FLOWSTITCH_BASE_LEDGER_H_
#define FLOWSTITCH_BASE_LEDGER_H_

#include <cstdint>
#include <string>
#include <vector>

namespace flowstitch {

// One source, as its capture process counts it.
//   frames_read = frames_sent + kernel_dropped + interface_dropped + buffer_dropped + spool_left
//   frames_sent = frames_received + frames_taken_before + what was lost on the link
#define FLOWSTITCH_SOURCE_LEDGER(X)                                                             \
  X(frames_read, "frames that reached the sensor, those dropped before libpcap included")       \
  X(bytes_read, "captured bytes of the frames libpcap delivered")                               \
  X(frames_sent, "frames handed to the link")                                                   \
  X(kernel_dropped, "frames the kernel dropped, its buffer being full")                         \
  X(interface_dropped, "frames the interface or its driver dropped")                            \
  X(buffer_dropped, "frames dropped live, the link's buffer being full")                        \
  X(frames_spooled, "frames that waited on the disk (within read)")                             \
  X(spool_left, "frames that still wait there")                                                 \
  X(frames_received, "frames the reassembler received from this source")                        \
  X(frames_taken_before, "frames that an earlier process of the reassembler had finished with") \
  X(late_frames, "frames that came after the reorder window had passed them")                   \
  X(ahead_frames, "frames of a live capture that were later than the reassembler's clock")      \
  X(batches_received, "batches the reassembler received from this source")                      \
  X(duplicate_batches, "batches received twice and dropped")                                    \
  X(duplicate_frames, "frames that another source had delivered (within received)")

// What a reassembler did with the frames.
//   frames_received + extra_datagrams =
//                     not_ip_frames + unknown_link_type_frames + malformed_frames +
//                     not_tcp_datagrams + too_deep_datagrams + bad_checksum_datagrams +
//                     duplicate_frames + fragments_absorbed + segments + udp_datagrams
//   payload_bytes   = delivered_bytes + retransmitted_bytes + overlapping_bytes +
//   out_of_window_bytes +
//                     before_start_bytes + after_fin_bytes + after_close_bytes +
//                     reset_payload_bytes + unconfirmed_bytes + evicted_bytes + late_bytes +
//                     waiting_bytes
//   stream_bytes    = delivered_bytes + gap_bytes
#define FLOWSTITCH_REASSEMBLY_LEDGER(X)                                                            \
  X(frames_received, "frames taken from the sources")                                              \
  X(not_ip_frames, "frames that carry no IP datagram (ARP, LLDP, other network protocols)")        \
  X(unknown_link_type_frames, "frames of a link type that flowstitch does not read")               \
  X(malformed_frames, "frames whose headers contradict the captured length or the RFC")            \
  X(not_tcp_datagrams, "whole datagrams that carry nothing that was asked for")                    \
  X(fragments_absorbed, "fragments that completed no datagram by themselves")                      \
  X(fragments_dropped, "fragments given up by time-out, limit or contradiction (within absorbed)") \
  X(segments, "TCP segments")                                                                      \
  X(payload_bytes, "payload bytes of all segments")                                                \
  X(delivered_bytes, "stream bytes handed to the sinks")                                           \
  X(retransmitted_bytes, "bytes of segments that brought nothing new")                             \
  X(overlapping_bytes, "seen bytes of segments that also brought new ones")                        \
  X(conflicting_bytes, "bytes seen twice with other content (within the two above)")               \
  X(out_of_window_bytes, "bytes of segments too far from the stream to belong to it")              \
  X(before_start_bytes, "bytes before the stream's first byte")                                    \
  X(after_fin_bytes, "bytes beyond the sender's FIN")                                              \
  X(after_close_bytes, "bytes of segments that came after the flow had closed")                    \
  X(reset_payload_bytes, "payload of RST segments (RFC 9293, 3.5.3: diagnostic text)")             \
  X(unconfirmed_bytes, "bytes of SYNs and window probes that the peer did not accept")             \
  X(evicted_bytes, "bytes that waited in flows given up under pressure")                           \
  X(waiting_bytes, "bytes that wait behind a hole at this moment")                                 \
  X(gap_bytes, "stream bytes that no sensor saw")                                                  \
  X(stream_bytes, "length of all streams")                                                         \
  X(gaps, "gaps reported")                                                                         \
  X(conflicts, "conflicts reported")                                                               \
  X(truncated_bytes, "bytes the snapshot length cut off segments")                                 \
  X(bad_segments, "TCP headers with impossible lengths (within malformed_frames)")                 \
  X(ignored_syns, "SYNs that contradict an open flow and were not answered")                       \
  X(ignored_resets, "RSTs outside the window")                                                     \
  X(flows_opened, "flows reported to the sinks")                                                   \
  X(flows_closed, "flows closed")                                                                  \
  X(half_open_flows, "connection attempts seen")                                                   \
  X(half_open_expired, "connection attempts that nobody answered or that were refused")            \
  X(flows_evicted, "flows given up under pressure")                                                \
  X(tombstone_segments, "segments absorbed by the memory of a closed flow")                        \
  X(extra_datagrams, "datagrams of a frame beyond its first (802.11 aggregates)")                  \
  X(too_deep_datagrams, "datagrams inside more tunnels than are opened")                           \
  X(tunnels_opened, "tunnels opened to find a datagram")                                           \
  X(bad_checksum_datagrams, "datagrams dropped for a wrong checksum")                              \
  X(udp_datagrams, "UDP datagrams taken as flows")                                                 \
  X(conflicting_fragments, "fragments that overlap others with other content")                     \
  X(odd_flag_segments, "TCP segments without flags, or with SYN and FIN or RST (within segments)") \
  X(late_bytes, "bytes that came after their place had become a gap")                              \
  X(split_flows, "flows opened beside another of the same addresses and ports")                    \
  X(continued_flows, "flows that go on where one closed as idle or evicted had ended")             \
  X(tombstones_evicted, "memories of closed flows given up under pressure")                        \
  X(unopened_bytes,                                                                                \
    "bytes of flows that a capture file may only continue, and that were not "                     \
    "open")                                                                                        \
  X(duplicate_frames, "frames that another source had delivered")                                  \
  X(duplicates_forgotten, "datagrams forgotten before another source's copy could be known")

#define FLOWSTITCH_SINK_LEDGER(X)                                                 \
  X(stream_bytes_received, "stream bytes received from the reassembler")          \
  X(file_bytes_written, "bytes written to flow files")                            \
  X(flow_files, "flow files written")                                             \
  X(http_messages, "HTTP messages parsed")                                        \
  X(http_bodies, "HTTP bodies written")                                           \
  X(http_body_bytes, "bytes of HTTP bodies written")                              \
  X(tls_plain_bytes, "bytes decrypted from TLS records")                          \
  X(flows_reported, "flows written to the report")                                \
  X(parsers_given_up, "flows read no further: the memory for parsers is used up") \
  X(earlier_frames, "frames of which reassemblers that have gone had told all")   \
  X(earlier_waiting_bytes, "bytes that waited behind a hole in them then")        \
  X(refused_bytes, "stream bytes of unannounced flows, out of order, or twice")   \
  X(refused_gaps, "gaps of unannounced flows, out of order, or too long")

struct SourceLedger {
#define FLOWSTITCH_FIELD(name, help) uint64_t name = 0;
  FLOWSTITCH_SOURCE_LEDGER(FLOWSTITCH_FIELD)

  void Add(const SourceLedger& other);
  // No figure is more than `most`.
  void Limit(uint64_t most);
};

struct ReassemblyLedger {
  FLOWSTITCH_REASSEMBLY_LEDGER(FLOWSTITCH_FIELD)
};

struct SinkLedger {
  FLOWSTITCH_SINK_LEDGER(FLOWSTITCH_FIELD)
#undef FLOWSTITCH_FIELD

  void Add(const SinkLedger& other);
};

// One line for each equation that does not hold, with both sides; empty when the books balance.
std::vector<std::string> FindImbalance(const SourceLedger& ledger);
std::vector<std::string> FindImbalance(const ReassemblyLedger& ledger);

}  // namespace flowstitch

#endif  // FLOWSTITCH_BASE_LEDGER_H_
