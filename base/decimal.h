// Decimal numbers as text, where there are many of them.
#ifndef FLOWSTITCH_BASE_DECIMAL_H_
#define FLOWSTITCH_BASE_DECIMAL_H_

#include <algorithm>
#include <charconv>
#include <cstdint>
#include <string>

namespace flowstitch {

// Behind `text`, with zeros in front to at least so many digits (at most 20).
inline void AppendDecimal(std::string* text, uint64_t value, int digits = 1) {
  char buffer[20];
  char* const end = std::to_chars(buffer, buffer + sizeof(buffer), value).ptr;
  const int missing = std::min(digits, 20) - static_cast<int>(end - buffer);
  if (missing > 0) text->append(static_cast<size_t>(missing), '0');
  text->append(buffer, end);
}

}  // namespace flowstitch

#endif  // FLOWSTITCH_BASE_DECIMAL_H_
