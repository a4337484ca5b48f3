// Views of bytes and big-endian loads. Loads go through memcpy: packet bytes have no alignment, and
// a struct laid over them would be undefined behaviour. The caller checks the length first.
#ifndef FLOWSTITCH_BASE_BYTES_H_
#define FLOWSTITCH_BASE_BYTES_H_

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <string_view>

namespace flowstitch {

// Bytes that someone else owns; valid only as long as the call that got them says.
using ByteView = std::span<const uint8_t>;

// The first `length` bytes, or all where there are fewer.
inline ByteView AtMost(ByteView bytes, size_t length) {
  return bytes.first(length < bytes.size() ? length : bytes.size());
}

inline uint16_t LoadBe16(const uint8_t* p) {
  return static_cast<uint16_t>((uint16_t{p[0]} << 8) | uint16_t{p[1]});
}

inline uint32_t LoadBe32(const uint8_t* p) {
  uint32_t value;
  std::memcpy(&value, p, sizeof(value));
  return __builtin_bswap32(value);
}

inline uint16_t LoadLe16(const uint8_t* p) {
  return static_cast<uint16_t>((uint16_t{p[1]} << 8) | uint16_t{p[0]});
}

inline uint32_t LoadLe32(const uint8_t* p) {
  uint32_t value;
  std::memcpy(&value, p, sizeof(value));
  return value;
}

inline void StoreBe16(uint8_t* p, uint16_t value) {
  p[0] = static_cast<uint8_t>(value >> 8);
  p[1] = static_cast<uint8_t>(value);
}

inline void StoreBe32(uint8_t* p, uint32_t value) {
  value = __builtin_bswap32(value);
  std::memcpy(p, &value, sizeof(value));
}

inline std::string_view AsText(ByteView bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

inline ByteView AsBytes(std::string_view text) {
  return {reinterpret_cast<const uint8_t*>(text.data()), text.size()};
}

}  // namespace flowstitch

#endif  // FLOWSTITCH_BASE_BYTES_H_
