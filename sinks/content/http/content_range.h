// The header field Content-Range (RFC 9110, 14.4).
#ifndef FLOWSTITCH_SINKS_CONTENT_HTTP_CONTENT_RANGE_H_
#define FLOWSTITCH_SINKS_CONTENT_HTTP_CONTENT_RANGE_H_

#include <cstdint>
#include <string_view>

namespace flowstitch {

// "bytes 0-99/1000" in numbers; false for anything else, also for an unknown total.
bool ParseContentRange(std::string_view value, uint64_t* first, uint64_t* last, uint64_t* total);

}  // namespace flowstitch

#endif  // FLOWSTITCH_SINKS_CONTENT_HTTP_CONTENT_RANGE_H_
