// File name extensions for media types (the Content-Type header).
#ifndef FLOWSTITCH_SINKS_WRITERS_HTTP_MEDIA_TYPES_H_
#define FLOWSTITCH_SINKS_WRITERS_HTTP_MEDIA_TYPES_H_

#include <string>
#include <string_view>

namespace flowstitch {

// The extension without its dot for a Content-Type's value (parameters and case do not matter), or
// nothing for a type that is not known.
std::string ExtensionFor(std::string_view content_type);

}  // namespace flowstitch

#endif  // FLOWSTITCH_SINKS_WRITERS_HTTP_MEDIA_TYPES_H_
