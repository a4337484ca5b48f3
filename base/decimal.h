// Decimal numbers as text, where there are many of them.
#ifndef FLOWSTITCH_BASE_DECIMAL_H_
#define FLOWSTITCH_BASE_DECIMAL_H_

#include <algorithm>
#include <charconv>
#include <cstdint>
#include <cstring>
#include <string>

namespace flowstitch {

// At `at`, with zeros in front to at least so many digits (at most 20). Tells the end; there must
// be room for 20 characters.
inline char* WriteDecimal(char* at, uint64_t value, int digits = 1) {
  char* const end = std::to_chars(at, at + 20, value).ptr;
  const auto count = end - at;
  const auto zeros = std::max<std::ptrdiff_t>(std::min(digits, 20) - count, 0);
  if (zeros == 0) return end;
  std::memmove(at + zeros, at, static_cast<size_t>(count));
  std::memset(at, '0', static_cast<size_t>(zeros));
  return end + zeros;
}

// The same behind `text`.
inline void AppendDecimal(std::string* text, uint64_t value, int digits = 1) {
  char buffer[20];
  text->append(buffer, WriteDecimal(buffer, value, digits));
}

}  // namespace flowstitch

#endif  // FLOWSTITCH_BASE_DECIMAL_H_
