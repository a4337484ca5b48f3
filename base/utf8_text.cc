#include "base/utf8_text.h"

#include <cstdint>

namespace flowstitch {

size_t Utf8Length(std::string_view text) {
  if (text.empty()) return 0;
  const auto byte = [text](size_t i) {
    return static_cast<uint8_t>(i < text.size() ? text[i] : 0);
  };
  const auto is_tail = [](uint8_t b) { return (b & 0xc0) == 0x80; };
  const uint8_t first = byte(0);
  if (first < 0x80) return 1;
  size_t length = 0;
  uint8_t low = 0x80;
  uint8_t high = 0xbf;
  if (first >= 0xc2 && first <= 0xdf) {
    length = 2;
  } else if (first >= 0xe0 && first <= 0xef) {
    length = 3;
    if (first == 0xe0) low = 0xa0;   // no longer form than needed
    if (first == 0xed) high = 0x9f;  // no surrogates
  } else if (first >= 0xf0 && first <= 0xf4) {
    length = 4;
    if (first == 0xf0) low = 0x90;
    if (first == 0xf4) high = 0x8f;  // nothing beyond U+10FFFF
  }
  if (length == 0 || byte(1) < low || byte(1) > high) return 0;
  for (size_t i = 2; i < length; ++i) {
    if (!is_tail(byte(i))) return 0;
  }
  return length;
}

std::string KeepCharacters(std::string_view text,
                           absl::FunctionRef<size_t(std::string_view)> length) {
  std::string valid;
  while (!text.empty()) {
    const size_t n = length(text);
    if (n == 0) {
      valid += '?';
      text.remove_prefix(1);
    } else {
      valid.append(text.substr(0, n));
      text.remove_prefix(n);
    }
  }
  return valid;
}

std::string ToPrintable(std::string_view text) {
  return KeepCharacters(text, [](std::string_view rest) {
    const size_t length = Utf8Length(rest);
    const auto first = static_cast<unsigned char>(rest[0]);
    if (length == 1 && (first < 0x20 || first == 0x7f)) return size_t{0};
    const bool c1 = length == 2 && first == 0xc2 && static_cast<unsigned char>(rest[1]) < 0xa0;
    return c1 ? size_t{0} : length;
  });
}

std::string ToUtf8(std::string_view text) { return KeepCharacters(text, Utf8Length); }

}  // namespace flowstitch
