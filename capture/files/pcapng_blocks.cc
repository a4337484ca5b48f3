#include "capture/files/pcapng_blocks.h"

#include <algorithm>
#include <limits>

#include "absl/numeric/int128.h"

namespace flowstitch {
namespace {

constexpr uint16_t kOptionEnd = 0;
constexpr uint16_t kOptionTimeResolution = 9;
constexpr uint16_t kOptionTimeOffset = 14;

uint64_t UnitsPerSecond(uint8_t resolution) {
  const uint8_t exponent = resolution & 0x7f;
  if (resolution & 0x80) return exponent < 64 ? uint64_t{1} << exponent : 0;
  uint64_t units = 1;
  for (uint8_t i = 0; i < exponent; ++i) {
    if (units > UINT64_MAX / 10) return 0;
    units *= 10;
  }
  return units;
}

// A time stamp of 64 bits counts from 1970. One with its highest bit set is thousands of years
// away, or, as writers that compute with signed numbers mean it, before 1970: then the order stays
// right.
TimeNs TimeOf(const PcapngInterface& interface, uint32_t high, uint32_t low) {
  const auto units = static_cast<int64_t>((uint64_t{high} << 32) | low);
  const auto per_second = static_cast<int64_t>(
      std::min<uint64_t>(interface.units_per_second, std::numeric_limits<int64_t>::max()));
  const auto fraction_ns = static_cast<int64_t>(absl::int128(units % per_second) * kNsPerSecond /
                                                absl::int128(per_second));
  const int64_t seconds = std::clamp(units / per_second, -INT64_MAX / 2, INT64_MAX / 2);
  return MakeTimeNs(
      seconds + std::clamp<int64_t>(interface.offset_seconds, -INT64_MAX / 4, INT64_MAX / 4),
      fraction_ns);
}

}  // namespace

std::optional<PcapngInterface> ReadPcapngInterface(ByteView body, PcapngOrder order) {
  if (body.size() < 8) return std::nullopt;
  PcapngInterface interface;
  interface.link_type = order.Load16(body.data());
  interface.snap_length = order.Load32(body.data() + 4);
  ByteView options = body.subspan(8);
  while (options.size() >= 4) {
    const uint16_t code = order.Load16(options.data());
    const size_t length = order.Load16(options.data() + 2);
    const size_t padded = (length + 3) & ~size_t{3};
    if (code == kOptionEnd || padded > options.size() - 4) break;
    const uint8_t* value = options.data() + 4;
    if (code == kOptionTimeResolution && length == 1) {
      interface.units_per_second = UnitsPerSecond(value[0]);
      if (interface.units_per_second == 0) return std::nullopt;
    }
    if (code == kOptionTimeOffset && length == 8) {
      const uint64_t first = order.Load32(value);
      const uint64_t second = order.Load32(value + 4);
      interface.offset_seconds =
          static_cast<int64_t>(order.big ? (first << 32) | second : (second << 32) | first);
    }
    options = options.subspan(4 + padded);
  }
  return interface;
}

std::string_view ReadPcapngTlsSecrets(ByteView body, PcapngOrder order) {
  constexpr uint32_t kTlsKeyLog = 0x544c534b;
  if (body.size() < 8 || order.Load32(body.data()) != kTlsKeyLog) return {};
  const size_t length = std::min<size_t>(order.Load32(body.data() + 4), body.size() - 8);
  return AsText(body.subspan(8, length));
}

std::optional<Frame> ReadPcapngFrame(uint32_t type, ByteView body, PcapngOrder order,
                                     std::span<const PcapngInterface> interfaces) {
  const uint8_t* p = body.data();
  Frame frame;
  uint32_t captured = 0;
  size_t header = 20;
  uint32_t interface_number = 0;
  if (type == kPcapngSimplePacket) {
    header = 4;
    if (body.size() < header || interfaces.empty()) return std::nullopt;
    frame.wire_length = order.Load32(p);
    captured = frame.wire_length;
    if (interfaces[0].snap_length != 0) captured = std::min(captured, interfaces[0].snap_length);
    captured = static_cast<uint32_t>(std::min<size_t>(captured, body.size() - header));
  } else {
    if (body.size() < header) return std::nullopt;
    interface_number = type == kPcapngEnhancedPacket ? order.Load32(p) : order.Load16(p);
    captured = order.Load32(p + 12);
    frame.wire_length = order.Load32(p + 16);
  }
  if (interface_number >= interfaces.size() || captured > body.size() - header) return std::nullopt;
  const PcapngInterface& interface = interfaces[interface_number];
  if (type != kPcapngSimplePacket) {
    frame.time_ns = TimeOf(interface, order.Load32(p + 4), order.Load32(p + 8));
  }
  frame.link_type = interface.link_type;
  frame.bytes = body.subspan(header, captured);
  return frame;
}

}  // namespace flowstitch
