// Text for the wire and for reports. File names and host names can hold any bytes; a string of
// Protocol Buffers must be UTF-8, or the other end refuses the whole message.
#ifndef FLOWSTITCH_BASE_UTF8_TEXT_H_
#define FLOWSTITCH_BASE_UTF8_TEXT_H_

#include <string>
#include <string_view>

#include "absl/functional/function_ref.h"

namespace flowstitch {

// Length of the well-formed character at the front, or 0: there is none, it is longer than needed,
// a surrogate, or beyond U+10FFFF (RFC 3629, section 4).
size_t Utf8Length(std::string_view text);

// `text` with every byte that is not part of a well-formed character (RFC 3629) made '?'.
std::string ToUtf8(std::string_view text);

// The same, and with control characters made '?' too (U+0000 to U+001F, U+007F to U+009F): what a
// peer or a packet says cannot steer the terminal that shows it.
std::string ToPrintable(std::string_view text);

// `text` with every byte that does not begin a character made '?'. `length` tells how many bytes
// the character at the front of what it is given has; 0: it is none.
std::string KeepCharacters(std::string_view text,
                           absl::FunctionRef<size_t(std::string_view)> length);

}  // namespace flowstitch

#endif  // FLOWSTITCH_BASE_UTF8_TEXT_H_
