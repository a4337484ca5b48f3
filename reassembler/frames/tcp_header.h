// The TCP header (RFC 9293, section 3.1) and those of its options that say something about streams.
#ifndef FLOWSTITCH_REASSEMBLER_FRAMES_TCP_HEADER_H_
#define FLOWSTITCH_REASSEMBLER_FRAMES_TCP_HEADER_H_

#include <cstddef>

#include "base/bytes.h"

namespace flowstitch {

inline constexpr uint8_t kTcpFin = 0x01;
inline constexpr uint8_t kTcpSyn = 0x02;
inline constexpr uint8_t kTcpRst = 0x04;
inline constexpr uint8_t kTcpPsh = 0x08;
inline constexpr uint8_t kTcpAck = 0x10;
inline constexpr uint8_t kTcpUrg = 0x20;

// An option of 40 bytes holds no more.
inline constexpr size_t kMaxSackBlocks = 4;

struct TcpHeader {
  uint16_t source_port = 0;
  uint16_t destination_port = 0;
  uint32_t sequence = 0;
  uint32_t acknowledgement = 0;
  uint8_t flags = 0;
  uint16_t window = 0;
  uint8_t window_scale = 0;    // RFC 7323; of a SYN
  bool fast_open = false;      // RFC 7413
  bool has_timestamp = false;  // RFC 7323
  uint32_t timestamp = 0;
  uint8_t sack_blocks = 0;  // RFC 2018; the first so many of `sack` are valid
  struct SackBlock {
    uint32_t left, right;
  } sack[kMaxSackBlocks];
  ByteView payload;
};

// False when the header does not fit or its data offset points outside. Options that make no sense
// are passed over with all that follows them. `tcp` is a fresh one.
bool ReadTcpHeader(ByteView bytes, TcpHeader* tcp);

// Flags that exclude each other, or none at all. Such a segment is counted, and taken for what is
// left when a RST outweighs a SYN and a SYN outweighs a FIN.
bool OddFlags(uint8_t flags);
uint8_t EffectiveFlags(uint8_t flags);

}  // namespace flowstitch

#endif  // FLOWSTITCH_REASSEMBLER_FRAMES_TCP_HEADER_H_
