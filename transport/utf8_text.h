// Text for the wire. File names and host names can hold any bytes; a string of Protocol Buffers
// must be UTF-8, or the other end refuses the whole message.
#ifndef FLOWSTITCH_TRANSPORT_UTF8_TEXT_H_
#define FLOWSTITCH_TRANSPORT_UTF8_TEXT_H_

#include <string>
#include <string_view>

namespace flowstitch {

// `text` with every byte that is not part of a well-formed character (RFC 3629) made '?'.
std::string ToUtf8(std::string_view text);

}  // namespace flowstitch

#endif  // FLOWSTITCH_TRANSPORT_UTF8_TEXT_H_
