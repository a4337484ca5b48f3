// The TCP header (RFC 9293, section 3.1).
#ifndef FLOWSTITCH_REASSEMBLER_TCP_HEADER_H_
#define FLOWSTITCH_REASSEMBLER_TCP_HEADER_H_

#include <optional>

#include "base/bytes.h"

namespace flowstitch {

inline constexpr uint8_t kTcpFin = 0x01;
inline constexpr uint8_t kTcpSyn = 0x02;
inline constexpr uint8_t kTcpRst = 0x04;
inline constexpr uint8_t kTcpPsh = 0x08;
inline constexpr uint8_t kTcpAck = 0x10;

struct TcpHeader {
  uint16_t source_port = 0;
  uint16_t destination_port = 0;
  uint32_t sequence = 0;
  uint32_t acknowledgement = 0;
  uint8_t flags = 0;
  uint16_t window = 0;
  bool fast_open = false;  // carries the Fast Open option (RFC 7413)
  ByteView payload;
};

// Nothing when the header does not fit, its data offset points outside, or its flags exclude each
// other (none at all, SYN with FIN, SYN with RST).
std::optional<TcpHeader> ReadTcpHeader(ByteView bytes);

}  // namespace flowstitch

#endif  // FLOWSTITCH_REASSEMBLER_TCP_HEADER_H_
