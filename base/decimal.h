// Decimal numbers as text, where there are many of them.
#ifndef FLOWSTITCH_BASE_DECIMAL_H_
#define FLOWSTITCH_BASE_DECIMAL_H_

#include <algorithm>
#include <cstdint>
#include <string>

namespace flowstitch {

// At `at`, with zeros in front to at least so many digits (at most 20). Tells the end; there must
// be room for 20 characters.
inline char* WriteDecimal(char* at, uint64_t value, int digits = 1) {
  int count = 1;
  for (uint64_t rest = value; rest >= 10; rest /= 10) ++count;
  count = std::max(count, std::min(digits, 20));
  for (char* digit = at + count; digit != at; value /= 10) {
    *--digit = static_cast<char>('0' + value % 10);
  }
  return at + count;
}

// The same behind `text`.
inline void AppendDecimal(std::string* text, uint64_t value, int digits = 1) {
  char buffer[20];
  text->append(buffer, WriteDecimal(buffer, value, digits));
}

}  // namespace flowstitch

#endif  // FLOWSTITCH_BASE_DECIMAL_H_
