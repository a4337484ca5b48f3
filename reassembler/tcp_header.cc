#include "reassembler/tcp_header.h"

namespace flowstitch {
namespace {

constexpr uint8_t kOptionEnd = 0;
constexpr uint8_t kOptionNop = 1;
constexpr uint8_t kOptionFastOpen = 34;
constexpr uint8_t kOptionExperimental = 254;
constexpr uint16_t kFastOpenMagic = 0xf989;  // RFC 7413, appendix A of its drafts: Linux before 4.1

bool HasFastOpen(ByteView options) {
  while (!options.empty() && options[0] != kOptionEnd) {
    if (options[0] == kOptionNop) {
      options = options.subspan(1);
      continue;
    }
    if (options.size() < 2 || options[1] < 2 || options[1] > options.size()) return false;
    if (options[0] == kOptionFastOpen) return true;
    if (options[0] == kOptionExperimental && options[1] >= 4 &&
        LoadBe16(options.data() + 2) == kFastOpenMagic) {
      return true;
    }
    options = options.subspan(options[1]);
  }
  return false;
}

}  // namespace

std::optional<TcpHeader> ReadTcpHeader(ByteView b) {
  if (b.size() < 20) return std::nullopt;
  const size_t header = size_t{b[12]} / 16 * 4;
  if (header < 20 || header > b.size()) return std::nullopt;
  TcpHeader tcp;
  tcp.flags = b[13] & 0x3f;
  if (tcp.flags == 0) return std::nullopt;
  if ((tcp.flags & kTcpSyn) && (tcp.flags & (kTcpFin | kTcpRst))) return std::nullopt;
  tcp.source_port = LoadBe16(b.data());
  tcp.destination_port = LoadBe16(b.data() + 2);
  tcp.sequence = LoadBe32(b.data() + 4);
  tcp.acknowledgement = LoadBe32(b.data() + 8);
  tcp.window = LoadBe16(b.data() + 14);
  if ((tcp.flags & kTcpSyn) && header > 20) tcp.fast_open = HasFastOpen(b.subspan(20, header - 20));
  tcp.payload = b.subspan(header);
  return tcp;
}

}  // namespace flowstitch
