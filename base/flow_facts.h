// What is told of flows, their streams and the tunnels around them: numbered as in
// proto/stream_batch.proto, and named as there, in lower case.
#ifndef FLOWSTITCH_BASE_FLOW_FACTS_H_
#define FLOWSTITCH_BASE_FLOW_FACTS_H_

#include <cstdint>
#include <string_view>

namespace flowstitch {

// What a flow's first segment was.
enum class OpenedBy : uint8_t { kUnknown, kSyn, kSynAck, kGuess };

// Why bytes are not there.
enum class GapReason : uint8_t {
  kUnknown,
  kAcknowledged,     // the peer has the bytes, no sensor saw them, the grace period is over
  kNotAcknowledged,  // too much time or data went by
  kFlowEnded,
  kStreamLimit,
  kMemoryLimit,
  kTruncated,
};

// Why a flow has ended.
enum class CloseReason : uint8_t {
  kUnknown,
  kFinished,  // both sides sent FIN, and everything before it arrived
  kReset,
  kIdle,
  kReplaced,  // by a new connection between the same ends
  kEvicted,   // under memory pressure
  kOpenAtEnd,
  kReassemblerLost,  // its reassembler was started anew; on no wire
};

// What carries frames or datagrams of other hosts.
enum class TunnelKind : uint8_t {
  kUnknown,
  kIpInIp,    // RFC 2003, 2473, 4213: IPv4 and IPv6 in each other
  kGre,       // RFC 2784 and 2890, also PPTP's (RFC 2637) and NVGRE (RFC 7637)
  kErspan,    // Ethernet mirrored over GRE, types I to III
  kEtherIp,   // RFC 3378
  kMplsInIp,  // RFC 4023 and 7510
  kVxlan,     // RFC 7348, also GPE
  kGeneve,    // RFC 8926
  kGtpU,      // 3GPP TS 29.281
  kTeredo,    // RFC 4380
  kL2tp,      // RFC 2661 and 3931
  kCapwap,    // RFC 5415, data
  kLisp,      // RFC 9300
  kTzsp,      // TaZmen Sniffer Protocol
  kAyiya,     // draft-massar-v6ops-ayiya-02
};

std::string_view NameOf(OpenedBy opened_by);
std::string_view NameOf(GapReason reason);
std::string_view NameOf(CloseReason reason);
std::string_view NameOf(TunnelKind kind);

}  // namespace flowstitch

#endif  // FLOWSTITCH_BASE_FLOW_FACTS_H_
