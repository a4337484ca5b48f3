// Names of flow files: tcpflow's templates. Everything about names is here.
//
//   %A %B  address of source and destination; IPv4 as 010.000.000.001, IPv6 as 2001:db8::1
//   %a %b  port of source and destination, five digits
//   %E %e  MAC address of source and destination
//   %V %v  "--" and the VLAN number, of a frame whose outermost tag has the type 0x8100
//   %T %t  time of the flow's first packet as 2008-10-06T16:12:33Z, as seconds since 1970;
//          %6T and %6t with a fraction of six digits (1 to 9)
//   %C %c  "c" and the number of an earlier file of the same name; both empty for the first
//   %#     that number, always
//   %N %K %M %G  three digits of the stream's number: units, thousands, millions, billions
//   %S     the flow's number, the same for both directions, twenty digits
//   %%     a percent sign
//
// "-UDP" follows the name of a UDP flow.
#ifndef FLOWSTITCH_SINKS_STREAMS_FILE_NAMES_H_
#define FLOWSTITCH_SINKS_STREAMS_FILE_NAMES_H_

#include <string>
#include <string_view>

#include "absl/status/statusor.h"
#include "base/direction.h"
#include "sinks/streams/sink_flow.h"

namespace flowstitch {

inline constexpr char kDefaultNameTemplate[] = "%A.%a-%B.%b%V%v%C%c";

// The tokens, for people.
std::string TemplateHelp();

class NameTemplate {
 public:
  // Unknown tokens are an error that names the token. Where no token tells files of one name apart,
  // "%C%c" is added.
  static absl::StatusOr<NameTemplate> Parse(std::string_view text);

  // The name of one direction's file; `counter` is the number of earlier files with the same name.
  std::string Expand(const SinkFlow& flow, Direction direction, uint32_t counter) const;

  // Whether two flows between the same endpoints are the only ones that can have the same name.
  bool names_endpoints() const { return names_endpoints_; }
  const std::string& text() const { return text_; }

 private:
  std::string text_;
  bool names_endpoints_ = false;
};

// tcpflow's -F: 'c' is the default, 'X' and 'M' change no name; 't' and 'T' put the time in front;
// 'k', 'm', 'g' make directories of a thousand, a million, a billion streams. An error names a
// letter that is not known.
absl::StatusOr<std::string> TemplateForFormat(std::string_view letters, std::string_view base);

}  // namespace flowstitch

#endif  // FLOWSTITCH_SINKS_STREAMS_FILE_NAMES_H_
