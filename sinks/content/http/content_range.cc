#include "sinks/content/http/content_range.h"

#include <cstdio>
#include <string>

namespace flowstitch {

bool ParseContentRange(std::string_view value, uint64_t* first, uint64_t* last, uint64_t* total) {
  unsigned long long a = 0;
  unsigned long long b = 0;
  unsigned long long c = 0;
  char tail = 0;
  const std::string text(value);
  if (text.find('-') == std::string::npos) return false;
  if (std::sscanf(text.c_str(), " bytes %20llu-%20llu/%20llu %c", &a, &b, &c, &tail) != 3) {
    return false;
  }
  if (a > b || b >= c) return false;
  *first = a;
  *last = b;
  *total = c;
  return true;
}

}  // namespace flowstitch
