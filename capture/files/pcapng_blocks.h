// The blocks of pcapng (draft-ietf-opsawg-pcapng-03, section 4) that describe frames. Pure
// functions over one block's bytes: hostile lengths give nothing.
#ifndef FLOWSTITCH_CAPTURE_FILES_PCAPNG_BLOCKS_H_
#define FLOWSTITCH_CAPTURE_FILES_PCAPNG_BLOCKS_H_

#include <optional>
#include <span>
#include <string_view>

#include "base/frame.h"

namespace flowstitch {

inline constexpr uint32_t kPcapngSection = 0x0a0d0d0a;
inline constexpr uint32_t kPcapngByteOrder = 0x1a2b3c4d;
inline constexpr uint32_t kPcapngInterfaceBlock = 1;
inline constexpr uint32_t kPcapngObsoletePacket = 2;
inline constexpr uint32_t kPcapngSimplePacket = 3;
inline constexpr uint32_t kPcapngEnhancedPacket = 6;
inline constexpr uint32_t kPcapngDecryptionSecrets = 10;

struct PcapngInterface {
  uint32_t link_type = 0;
  uint32_t snap_length = 0;  // 0: no limit
  uint64_t units_per_second = 1'000'000;
  int64_t offset_seconds = 0;  // if_tsoffset
};

// Integers of a section's byte order.
struct PcapngOrder {
  bool big = false;
  uint16_t Load16(const uint8_t* p) const { return big ? LoadBe16(p) : LoadLe16(p); }
  uint32_t Load32(const uint8_t* p) const { return big ? LoadBe32(p) : LoadLe32(p); }
};

// `body` is a block without its type and its two lengths.
std::optional<PcapngInterface> ReadPcapngInterface(ByteView body, PcapngOrder order);

// The text of a decryption secrets block with a TLS key log (section 4.7); empty for any other.
std::string_view ReadPcapngTlsSecrets(ByteView body, PcapngOrder order);

// The frame of a packet block of type `type`, if it is one and is sound.
std::optional<Frame> ReadPcapngFrame(uint32_t type, ByteView body, PcapngOrder order,
                                     std::span<const PcapngInterface> interfaces);

}  // namespace flowstitch

#endif  // FLOWSTITCH_CAPTURE_FILES_PCAPNG_BLOCKS_H_
