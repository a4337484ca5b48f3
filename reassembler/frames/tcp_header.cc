#include "reassembler/frames/tcp_header.h"

#include <algorithm>

namespace flowstitch {
namespace {

constexpr uint8_t kOptionEnd = 0;
constexpr uint8_t kOptionNop = 1;
constexpr uint8_t kOptionWindowScale = 3;
constexpr uint8_t kOptionSack = 5;
constexpr uint8_t kMaxWindowScale = 14;
constexpr uint8_t kOptionTimestamps = 8;
constexpr uint8_t kOptionFastOpen = 34;
constexpr uint8_t kOptionExperimental = 254;
constexpr uint16_t kFastOpenMagic = 0xf989;  // RFC 7413, appendix A of its drafts: Linux before 4.1

void ReadOptions(ByteView options, TcpHeader* tcp) {
  while (!options.empty() && options[0] != kOptionEnd) {
    if (options[0] == kOptionNop) {
      options = options.subspan(1);
      continue;
    }
    if (options.size() < 2 || options[1] < 2 || options[1] > options.size()) return;
    const ByteView value = options.subspan(2, options[1] - size_t{2});
    switch (options[0]) {
      case kOptionTimestamps:
        if (value.size() != 8) break;
        tcp->has_timestamp = true;
        tcp->timestamp = LoadBe32(value.data());
        break;
      case kOptionWindowScale:
        if (value.size() == 1) tcp->window_scale = std::min(value[0], kMaxWindowScale);
        break;
      case kOptionSack:
        tcp->sack_blocks = static_cast<uint8_t>(std::min(value.size() / 8, kMaxSackBlocks));
        for (size_t i = 0; i < tcp->sack_blocks; ++i) {
          tcp->sack[i] = {LoadBe32(value.data() + i * 8), LoadBe32(value.data() + i * 8 + 4)};
        }
        break;
      case kOptionFastOpen:
        tcp->fast_open = true;
        break;
      case kOptionExperimental:
        tcp->fast_open |= value.size() >= 2 && LoadBe16(value.data()) == kFastOpenMagic;
        break;
      default:
        break;
    }
    options = options.subspan(options[1]);
  }
}

}  // namespace

bool ReadTcpHeader(ByteView b, TcpHeader* out) {
  if (b.size() < 20) return false;
  const size_t header = size_t{b[12]} / 16 * 4;
  if (header < 20 || header > b.size()) return false;
  TcpHeader& tcp = *out;
  tcp.flags = b[13] & 0x3f;
  tcp.source_port = LoadBe16(b.data());
  tcp.destination_port = LoadBe16(b.data() + 2);
  tcp.sequence = LoadBe32(b.data() + 4);
  tcp.acknowledgement = LoadBe32(b.data() + 8);
  tcp.window = LoadBe16(b.data() + 14);
  if (header > 20) ReadOptions(b.subspan(20, header - 20), &tcp);
  tcp.payload = b.subspan(header);
  return true;
}

bool OddFlags(uint8_t flags) {
  if (flags == 0) return true;
  return (flags & kTcpSyn) && (flags & (kTcpFin | kTcpRst));
}

uint8_t EffectiveFlags(uint8_t flags) {
  if (flags & kTcpRst) return flags & static_cast<uint8_t>(~(kTcpSyn | kTcpFin));
  if (flags & kTcpSyn) return flags & static_cast<uint8_t>(~kTcpFin);
  return flags;
}

}  // namespace flowstitch
